/**
 * Which blocks of the order are at hand, which are on their way, and where: in the arena's memory, or as open files of the
 * cache where memory is too small.
 *
 * Blocks are asked for in the order of their first use, as far ahead as there is room. A block is held from then to its last
 * use; after that it stays until its place is wanted, so data that fits is read once.
 *
 * R1 A block that is needed next has room before any that is needed later: uses are taken in their order, one at a time.
 * R2 No place is given away or moved while a thread writes or reads there.
 */
import { createHash } from "node:crypto";
import { UserError } from "../../base/errors.ts";
import type { BlockUse, Block } from "../order/training-order.ts";
import type { Arena } from "./arena.ts";
import type { BlockPlace, FetchOrder } from "./messages.ts";

type Resident = {
  readonly block: Block;
  readonly name: string;
  place: BlockPlace | null;
  isFetching: boolean;
  /** Last position that needs it; −1: none. */
  lastUse: number;
  /** Jobs that read it now. */
  readers: number;
  fetches: number;
};

/** Files that vanish as soon as they are written mean that others fill the folder. */
const FETCHES_AT_MOST = 4;

export type ResidentBlocks = {
  /** Starts over with the uses from another position on; what is at hand stays. */
  follow(uses: Iterator<BlockUse>): void;
  /** The next block to fetch, if there is room for it and it is first needed before a position. */
  nextFetch(before: number): FetchOrder | null;
  /** A fetch is done. What is returned is to be fetched again: its file was removed before it could be opened. */
  fetched(block: number): FetchOrder | null;
  /** Where a block lies; null: it is not there yet. */
  placeOf(
    block: number,
  ): { readonly place: BlockPlace; readonly name: string } | null;
  /** A job reads a block for the sample at a position. */
  enter(block: number, position: number): void;
  leave(block: number): void;
  /** Forgets fetches that failed. */
  abandon(block: number): void;
  close(): void;
};

export type ResidentBlocksOptions = {
  readonly arena: Arena;
  readonly shardPaths: readonly string[];
  readonly shardBytes: readonly number[];
  /** The arena's bytes; null: blocks are files. */
  readonly memory: Uint8Array | null;
  /** Of a file of the cache: an open descriptor; null: the file is gone. */
  readonly openFile: (name: string) => number | null;
  readonly closeFile: (descriptor: number) => void;
};

export function createResidentBlocks(
  options: ResidentBlocksOptions,
): ResidentBlocks {
  const { arena, memory } = options;
  /** By id; those unused for longest first. */
  const residents = new Map<number, Resident>();
  let uses: Iterator<BlockUse> = [].values();
  let wanted: BlockUse | null = null;

  function drop(resident: Resident): void {
    if (resident.place?.kind === "file")
      options.closeFile(resident.place.descriptor);
    arena.free(resident.block.id);
    residents.delete(resident.block.id);
  }

  /** R2 */
  function makeRoom(id: number, length: number): number | null {
    let start = arena.take(id, length);
    for (const resident of residents.values()) {
      if (start !== null) return start;
      if (isUnused(resident)) {
        drop(resident);
        start = arena.take(id, length);
      }
    }
    if (start !== null || arena.usedBytes + length > arena.sizeBytes)
      return start;
    if ([...residents.values()].some(isBusy)) return null;
    arena.compact(({ owner, from, to, length: bytes }) => {
      const resident = residents.get(owner) as Resident;
      memory?.copyWithin(to, from, from + bytes);
      if (resident.place?.kind === "arena")
        resident.place = { kind: "arena", start: to };
    });
    return arena.take(id, length);
  }

  /** Null: it is at hand, or on its way. */
  function admit(use: BlockUse): Resident | "no room" | null {
    const { block } = use;
    const known = residents.get(block.id);
    if (known) {
      known.lastUse = Math.max(known.lastUse, use.last);
      return null;
    }
    const start = makeRoom(block.id, block.length);
    if (start === null) return "no room";
    const resident: Resident = {
      block,
      name: nameOf(block, options),
      place: memory ? { kind: "arena", start } : null,
      isFetching: true,
      lastUse: use.last,
      readers: 0,
      fetches: 1,
    };
    residents.set(block.id, resident);
    return resident;
  }

  return {
    follow(next) {
      uses = next;
      wanted = null;
      for (const resident of residents.values()) resident.lastUse = -1;
    },
    nextFetch(before) {
      for (;;) {
        if (wanted === null) {
          const next = uses.next();
          if (next.done) return null;
          wanted = next.value;
        }
        if (wanted.first >= before) return null;
        const admitted = admit(wanted);
        if (admitted === "no room") return null;
        wanted = null;
        if (admitted) return toFetchOrder(admitted, options);
      }
    },
    fetched(id) {
      const resident = residents.get(id) as Resident;
      if (!memory) {
        const descriptor = options.openFile(resident.name);
        if (descriptor === null) return fetchAgain(resident, options);
        resident.place = { kind: "file", descriptor };
      }
      resident.isFetching = false;
      return null;
    },
    placeOf(id) {
      const found = residents.get(id);
      return found && !found.isFetching && found.place
        ? { place: found.place, name: found.name }
        : null;
    },
    enter(id, position) {
      const resident = residents.get(id) as Resident;
      resident.readers++;
      if (resident.lastUse <= position) resident.lastUse = -1;
      // Used last: goes last.
      residents.delete(id);
      residents.set(id, resident);
    },
    leave(id) {
      (residents.get(id) as Resident).readers--;
    },
    abandon(id) {
      const resident = residents.get(id);
      if (resident) drop(resident);
    },
    close() {
      for (const resident of residents.values()) drop(resident);
    },
  };
}

function fetchAgain(
  resident: Resident,
  options: ResidentBlocksOptions,
): FetchOrder {
  if (++resident.fetches <= FETCHES_AT_MOST)
    return toFetchOrder(resident, options);
  throw new UserError({
    code: "data.loader-cache",
    message: `blocks of the dataset vanish from the cache's folder as soon as they are written`,
    hint: "allow the cache more bytes: whoever shares the folder must fit in, too",
  });
}

function isBusy({ isFetching, readers }: Resident): boolean {
  return isFetching || readers > 0;
}

function isUnused(resident: Resident): boolean {
  return resident.lastUse < 0 && !isBusy(resident);
}

/** By what the bytes are, not by where they lie: the path of a shard holds the hash of what it was made of. */
function nameOf(
  block: Block,
  { shardPaths, shardBytes }: ResidentBlocksOptions,
): string {
  const { shard, offset, length } = block;
  const words = [shardPaths[shard], shardBytes[shard], offset, length];
  return createHash("sha256").update(words.join("\n")).digest("hex");
}

function toFetchOrder(
  { block, name, place }: Resident,
  { shardPaths }: ResidentBlocksOptions,
): FetchOrder {
  return {
    kind: "fetch",
    block: block.id,
    path: shardPaths[block.shard] as string,
    offset: block.offset,
    length: block.length,
    name,
    start: place?.kind === "arena" ? place.start : null,
  };
}
