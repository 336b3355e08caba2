import { describe, expect, it } from "vitest";
import { createKeyWatch } from "../../src/executor/key-watch.ts";
import { layout } from "../../src/store/layout.ts";
import { createMemoryStore } from "../../src/store/memory.ts";

function arrange() {
  const inner = createMemoryStore();
  const asked: string[] = [];
  let isDown = false;
  const holders = new Map<string, string>();
  const watch = createKeyWatch({
    store: {
      ...inner,
      stat: async (path) => {
        if (isDown) throw new Error("the store is down");
        asked.push(path);
        return inner.stat(path);
      },
    },
    findHolder: async (key) => holders.get(key) ?? null,
  });
  const commit = (key: string) =>
    inner.put(layout.manifest(key), new Uint8Array([1]));
  return {
    watch,
    holders,
    commit,
    asked,
    setDown: (down: boolean) => {
      isDown = down;
    },
  };
}

const keys = ["a", "b", "c"];

describe("the key watch", () => {
  it("asks for all keys at first, and then only for those in doubt", async () => {
    const { watch, commit, asked } = arrange();
    await commit("a");
    await watch.look(keys);
    expect(asked).toHaveLength(3);
    expect(keys.filter((key) => watch.isCommitted(key))).toEqual(["a"]);
    await commit("b");
    await commit("c");
    watch.doubt("b");
    watch.doubt("a");
    await watch.look(keys);
    expect(asked.slice(3)).toEqual([layout.manifest("b")]);
    expect(watch.isCommitted("b")).toBe(true);
    expect(watch.isCommitted("c")).toBe(false);
  });

  it("asks again for what it could not ask for", async () => {
    const { watch, commit, setDown } = arrange();
    setDown(true);
    await expect(watch.look(keys)).rejects.toThrow("down");
    setDown(false);
    await commit("a");
    await watch.look(keys);
    expect(watch.isCommitted("a")).toBe(true);
    await commit("b");
    watch.doubt("b");
    setDown(true);
    await expect(watch.look(keys)).rejects.toThrow("down");
    setDown(false);
    await watch.look(keys);
    expect(watch.isCommitted("b")).toBe(true);
  });

  it("watches who holds a key until they let go, and then asks what they left", async () => {
    const { watch, holders, commit } = arrange();
    await watch.look(keys);
    holders.set("a", "run other");
    expect(await watch.isTaken("a")).toBe(true);
    expect(watch.holderOf("a")).toBe("run other");
    await commit("a");
    holders.delete("a");
    await watch.look(keys);
    expect(watch.holderOf("a")).toBeNull();
    expect(watch.isCommitted("a")).toBe(true);
  });

  it("asks again for what a holder left, if it could not ask when they let go", async () => {
    const { watch, holders, commit, setDown } = arrange();
    await watch.look(keys);
    holders.set("a", "run other");
    await watch.isTaken("a");
    await commit("a");
    holders.delete("a");
    setDown(true);
    await expect(watch.look(keys)).rejects.toThrow("down");
    setDown(false);
    await watch.look(keys);
    expect(watch.isCommitted("a")).toBe(true);
  });

  it("sees right before an attempt that somebody else was faster", async () => {
    const { watch, commit } = arrange();
    await watch.look(keys);
    expect(await watch.isTaken("a")).toBe(false);
    await commit("a");
    expect(await watch.isTaken("a")).toBe(true);
    expect(watch.isCommitted("a")).toBe(true);
  });
});
