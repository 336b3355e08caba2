import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import path from "node:path";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { readTar, TarError } from "../../../src/data/shards/tar-reader.ts";
import {
  headerSum,
  planTar,
  tarChunks,
  tarHeader,
  type TarMember,
} from "../../../src/data/shards/tar-writer.ts";
import { collect } from "../../support/collect.ts";
import { createTemporaryFolder } from "../../support/temporary-folder.ts";

const members = fc
  .uniqueArray(fc.stringMatching(/^[a-zA-Z0-9_-]{1,40}\.[a-z]{1,4}$/), {
    maxLength: 12,
  })
  .chain((names) =>
    fc.tuple(
      ...names.map((name) =>
        fc.record({
          name: fc.constant(name),
          bytes: fc.uint8Array({ maxLength: 1500 }),
        }),
      ),
    ),
  );

type Member = { readonly name: string; readonly bytes: Uint8Array };

const toMember = ({ name, bytes }: Member): TarMember => ({
  name,
  sizeBytes: bytes.length,
  read: () => bytes,
});

const toChunks = (list: readonly Member[]) =>
  collect(tarChunks(list.map(toMember)));

const toTar = async (list: readonly Member[]) =>
  Buffer.concat(await toChunks(list));

const sample = (name = "a.txt", text = "hello") => ({
  name,
  bytes: Buffer.from(text),
});

/** Changes header fields and makes the checksum right again: what a hostile writer can do. */
function forge(archive: Buffer, offset: number, field: string): Buffer {
  const forged = Buffer.from(archive);
  forged.write(field, offset, "latin1");
  const sum = headerSum(forged).toString(8).padStart(6, "0");
  forged.write(`${sum}\0 `, 148, "latin1");
  return forged;
}

describe("tar", () => {
  it("comes back as it was written, at the offsets that were planned", async () => {
    await fc.assert(
      fc.asyncProperty(members, async (list) => {
        const tar = await toTar(list);
        const plan = planTar(list.map(toMember));
        expect(tar.length).toBe(plan.sizeBytes);
        const entries = readTar(tar);
        expect(entries.map(({ name }) => name)).toEqual(
          list.map(({ name }) => name),
        );
        for (const [i, { offset, sizeBytes }] of entries.entries()) {
          expect(offset).toBe(plan.offsets[i]);
          const content = tar.subarray(offset, offset + sizeBytes);
          expect(content.equals((list[i] as Member).bytes)).toBe(true);
        }
      }),
    );
  });

  it("is written in chunks of about a mebibyte, whatever the members' sizes", async () => {
    const big = { name: "big.bin", bytes: new Uint8Array(3 * 2 ** 20) };
    const small = Array.from({ length: 3000 }, (_, i) => sample(`${i}.txt`));
    const chunks = await toChunks([big, ...small]);
    expect(Buffer.concat(chunks).length).toBe(
      planTar([big, ...small].map(toMember)).sizeBytes,
    );
    expect(chunks.length).toBeLessThan(8);
    expect(readTar(Buffer.concat(chunks))).toHaveLength(3001);
  });

  it("is listed by GNU tar and unpacked by Python's tarfile, with zero times and owners", async () => {
    const folder = await createTemporaryFolder();
    const file = path.join(folder, "a.tar");
    writeFileSync(file, await toTar([sample("a.txt"), sample("b.json", "{}")]));
    const listing = execFileSync("tar", ["tvf", file, "--numeric-owner"], {
      encoding: "utf8",
      env: { TZ: "UTC", LC_ALL: "C" },
    });
    expect(listing.trim().split("\n")).toEqual([
      "-rw-r--r-- 0/0               5 1970-01-01 00:00 a.txt",
      "-rw-r--r-- 0/0               2 1970-01-01 00:00 b.json",
    ]);
    const script =
      "import tarfile,sys\nt=tarfile.open(sys.argv[1])\nprint([(m.name,m.mtime,t.extractfile(m).read()) for m in t])";
    const seen = execFileSync("python3", ["-c", script, file], {
      encoding: "utf8",
    });
    expect(seen.trim()).toBe("[('a.txt', 0, b'hello'), ('b.json', 0, b'{}')]");
  });

  it("is not written with a member that has another size than was planned", async () => {
    const wrong = { ...toMember(sample()), sizeBytes: 4 };
    await expect(collect(tarChunks([wrong]))).rejects.toThrow(
      "'a.txt' has 5 bytes, not 4",
    );
  });

  it("refuses to write what a shard may not hold", () => {
    expect(() => tarHeader("a b.txt", 1)).toThrow(RangeError);
    expect(() => tarHeader("ä.txt", 1)).toThrow(RangeError);
    expect(() => tarHeader("x".repeat(101), 1)).toThrow(RangeError);
    expect(() => tarHeader("a.txt", 8 ** 11)).toThrow(RangeError);
  });
});

const good = await toTar([sample(), sample("b.txt")]);
const twice = await toTar([sample(), sample()]);

describe("a hostile tar", () => {
  it.each<[string, Buffer, RegExp]>([
    ["cut in a content", good.subarray(0, 514), /claims 5 bytes; 2 are left/],
    ["cut between members", good.subarray(0, 1024), /without an end mark/],
    ["cut in a header", good.subarray(0, 700), /without an end mark|left/],
    ["of no bytes", Buffer.alloc(0), /without an end mark/],
    ["with a flipped header bit", flip(good, 3), /fails its checksum/],
    ["that climbs out", forge(good, 0, "../a\0"), /leaves the archive/],
    ["with an absolute name", forge(good, 0, "/etc/a\0"), /leaves the archive/],
    ["with an empty name", forge(good, 0, "\0"), /leaves the archive/],
    ["with a backslash", forge(good, 0, "a\\b\0"), /leaves the archive/],
    ["with a link", forge(good, 156, "2"), /not a regular file/],
    ["with an extended header", forge(good, 156, "x"), /not a regular file/],
    ["with a size beyond its end", forge(good, 124, "77777777777"), /claims/],
    ["with a size that is no number", forge(good, 124, "-1\0"), /octal number/],
    ["with a binary size", forge(good, 124, "\x80\0\0\0"), /octal number/],
    ["that is not ustar", forge(good, 257, "other"), /not ustar/],
    ["with a member twice", twice, /occurs twice/],
    [
      "with bytes after its end",
      Buffer.concat([good, Buffer.from("x")]),
      /after its end mark/,
    ],
  ])("%s is refused", (_, archive, wantMessage) => {
    expect(() => readTar(archive)).toThrow(TarError);
    expect(() => readTar(archive)).toThrow(wantMessage);
  });

  it("of any bytes is refused or read, and never runs outside the archive", () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(good.length - 1), fc.nat(255)), {
          minLength: 1,
          maxLength: 6,
        }),
        fc.nat(good.length),
        (changes, length) => {
          const archive = Buffer.from(good.subarray(0, length));
          for (const [at, value] of changes)
            if (at < archive.length) archive[at] = value;
          let entries: readonly { offset: number; sizeBytes: number }[] = [];
          try {
            entries = readTar(archive);
          } catch (thrown) {
            expect(thrown).toBeInstanceOf(TarError);
          }
          for (const { offset, sizeBytes } of entries)
            expect(offset + sizeBytes).toBeLessThanOrEqual(archive.length);
        },
      ),
      { numRuns: 500 },
    );
  });
});

function flip(archive: Buffer, at: number): Buffer {
  const changed = Buffer.from(archive);
  changed[at] = (changed[at] as number) ^ 1;
  return changed;
}
