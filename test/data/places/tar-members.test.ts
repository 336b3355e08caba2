import { execFileSync } from "node:child_process";
import { readFileSync, symlinkSync } from "node:fs";
import path from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { tarMembers } from "../../../src/data/places/tar-members.ts";
import { TarError } from "../../../src/data/shards/tar-reader.ts";
import { headerSum } from "../../../src/data/shards/tar-writer.ts";
import { collect } from "../../support/collect.ts";
import { writeFiles } from "../../support/photographs.ts";
import { createTemporaryFolder } from "../../support/temporary-folder.ts";

/** An archive in memory that knows how many bytes of it were asked for. */
function open(bytes: Buffer) {
  const asked = { reads: 0, bytes: 0 };
  const archive = {
    sizeBytes: bytes.length,
    async read({ offset, length }: { offset: number; length: number }) {
      asked.reads++;
      asked.bytes += length;
      return bytes.subarray(offset, offset + length);
    },
  };
  return { asked, list: () => collect(tarMembers(archive)) };
}

async function pack(
  files: Readonly<Record<string, Uint8Array | string>>,
  format: string,
): Promise<Buffer> {
  const folder = await createTemporaryFolder();
  writeFiles(path.join(folder, "in"), files);
  symlinkSync("a.jpg", path.join(folder, "in/link.jpg"));
  const archive = path.join(folder, "a.tar");
  execFileSync("tar", [
    "cf",
    archive,
    `--format=${format}`,
    "--sort=name",
    "-C",
    path.join(folder, "in"),
    ".",
  ]);
  return readFileSync(archive);
}

const long = `${"d".repeat(120)}/${"f".repeat(90)}.jpg`;

describe("the members of somebody else's tar", () => {
  it.each(["gnu", "pax"])(
    "of format %s have their names, long ones too, and their bytes' places",
    async (format) => {
      const bytes = await pack(
        { "a.jpg": "one", "ü/b.jpg": "two", [long]: "three" },
        format,
      );
      const members = await open(bytes).list();
      const contents = members.map(({ name, type, offset, sizeBytes }) => [
        name,
        type,
        bytes.toString("utf8", offset, offset + sizeBytes),
      ]);
      expect(contents).toEqual([
        ["a.jpg", "0", "one"],
        [long, "0", "three"],
        ["link.jpg", "2", ""],
        ["ü/b.jpg", "0", "two"],
      ]);
    },
  );

  it("are found without reading the contents of large ones", async () => {
    const big = Buffer.alloc(5 * 2 ** 20);
    const bytes = await pack(
      { "a.jpg": big, "b.jpg": big, "c.jpg": big },
      "gnu",
    );
    const { asked, list } = open(bytes);
    expect(await list()).toHaveLength(4);
    expect(asked.bytes).toBeLessThan(5 * 2 ** 20);
    expect(asked.reads).toBeLessThan(8);
  });

  it("of any bytes are listed or refused, and lie inside the archive", async () => {
    const good = await pack({ "a.jpg": "one", [long]: "three" }, "pax");
    const change = fc.tuple(
      fc.nat(Math.min(6000, good.length - 1)),
      fc.nat(255),
    );
    await fc.assert(
      fc.asyncProperty(
        fc.array(change, { minLength: 1, maxLength: 6 }),
        fc.nat(good.length),
        fc.boolean(),
        async (changes, length, isForged) => {
          const bytes = Buffer.from(good.subarray(0, length));
          for (const [at, value] of changes)
            if (at < bytes.length) bytes[at] = value;
          if (isForged) mendHeaders(bytes);
          const members = await open(bytes)
            .list()
            .catch((thrown: unknown) => {
              expect(thrown).toBeInstanceOf(TarError);
              return [];
            });
          for (const { offset, sizeBytes } of members)
            expect(offset + sizeBytes).toBeLessThanOrEqual(bytes.length);
        },
      ),
      { numRuns: 500 },
    );
  });
});

/** Makes the checksum of every block right that could be a header: what a hostile writer can do. */
function mendHeaders(bytes: Buffer): void {
  for (let at = 0; at + 512 <= bytes.length; at += 512) {
    const header = bytes.subarray(at, at + 512);
    if (header.toString("latin1", 257, 262) !== "ustar") continue;
    const sum = headerSum(header).toString(8).padStart(6, "0");
    header.write(`${sum}\0 `, 148, "latin1");
  }
}
