/**
 * The order over more than memory holds: C streams, each a contiguous share of the shards, read block by block.
 *
 * The shards are permuted by the seed alone, so a stream keeps its samples and its blocks for the whole training. The
 * samples in that order are dealt in contiguous slices, the first N mod C of them one longer, and each slice is cut into
 * blocks. An epoch permutes the blocks of each stream and the samples of each block.
 *
 * Position p of an epoch is sample j = floor(p / C) of stream c = p mod C: which block it is in is found among the first
 * samples of the stream's blocks (log time), where in it by a Feistel permutation. What an epoch's layout takes is a few
 * bytes a block; the last two epochs that were asked for are kept, since a batch may span two.
 */
import { hash32, permute, streamOf } from "../../base/random.ts";
import { cutStreams } from "./cut-streams.ts";
import {
  crc32OfList,
  lowerBound,
  type SampleList,
  type Survey,
} from "./sample-list.ts";
import { checkShare } from "./share.ts";
import type {
  Block,
  BlockUse,
  Share,
  TrainingOrder,
} from "./training-order.ts";

const BLOCKS = streamOf("order/stream-blocks");
const SAMPLES = streamOf("order/block-samples");
const EPOCHS_KEPT = 2;

/** The blocks of one stream in the order of one epoch. */
type Layout = {
  readonly blocks: readonly Block[];
  /** For each of them the samples of the stream that come before it, and last the stream's samples. */
  readonly starts: Int32Array;
};

export function createStreamOrder(
  list: SampleList,
  options: {
    readonly seed: number;
    readonly streams: number;
    readonly survey: Survey;
    readonly blockBytes: number;
  },
): TrainingOrder {
  const { seed, streams } = options;
  const { size } = list;
  const perStream = cutStreams(list, options);
  const layoutOf = rememberEpochs((epoch, stream) =>
    layOut(perStream[stream] as readonly Block[], seed, { epoch, stream }),
  );
  return {
    kind: "streams",
    size,
    streams,
    blocks: perStream.flat(),
    samplesCrc32: crc32OfList(list),
    at(position) {
      const epoch = Math.floor(position / size);
      const inEpoch = position - epoch * size;
      const inStream = Math.floor(inEpoch / streams);
      const { blocks, starts } = layoutOf(epoch, inEpoch % streams);
      const k =
        lowerBound(starts.length, (i) => (starts[i] as number) > inStream) - 1;
      const { id, first, count } = blocks[k] as Block;
      const inBlock = inStream - (starts[k] as number);
      const shuffled = permute(
        inBlock,
        count,
        hash32(SAMPLES, seed, epoch, id),
      );
      return { epoch, sample: list.sampleAt(first + shuffled), block: id };
    },
    blocksOf(share, fromPosition) {
      checkShare({ kind: "streams", streams }, share);
      return eachUse({ size, streams, layoutOf }, share, fromPosition);
    },
  };
}

function layOut(
  own: readonly Block[],
  seed: number,
  { epoch, stream }: { readonly epoch: number; readonly stream: number },
): Layout {
  const shuffle = hash32(BLOCKS, seed, epoch, stream);
  const blocks = own.map(
    (_, k) => own[permute(k, own.length, shuffle)] as Block,
  );
  const starts = new Int32Array(blocks.length + 1);
  for (const [k, { count }] of blocks.entries())
    starts[k + 1] = (starts[k] as number) + count;
  return { blocks, starts };
}

/** Keeps the layouts of the epochs that were asked for last. */
function rememberEpochs(
  make: (epoch: number, stream: number) => Layout,
): (epoch: number, stream: number) => Layout {
  const epochs = new Map<number, Map<number, Layout>>();
  return (epoch, stream) => {
    const kept = epochs.get(epoch) ?? new Map<number, Layout>();
    epochs.set(epoch, kept);
    for (const old of epochs.keys()) {
      if (epochs.size <= EPOCHS_KEPT) break;
      epochs.delete(old);
    }
    const layout = kept.get(stream) ?? make(epoch, stream);
    kept.set(stream, layout);
    return layout;
  };
}

/** Epoch for epoch, the blocks of the streams of a share by where they are needed first. */
function* eachUse(
  order: {
    readonly size: number;
    readonly streams: number;
    layoutOf(epoch: number, stream: number): Layout;
  },
  { rank, ranks }: Share,
  fromPosition: number,
): Generator<BlockUse, void, undefined> {
  const { size, streams } = order;
  for (let epoch = Math.floor(fromPosition / size); ; epoch++) {
    const uses: BlockUse[] = [];
    for (let stream = 0; stream < streams; stream++) {
      const start = epoch * size + stream;
      if (start % ranks !== rank) continue;
      const layout = order.layoutOf(epoch, stream);
      uses.push(...usesOf(layout, { start, streams, fromPosition }));
    }
    yield* uses.toSorted((a, b) => a.first - b.first);
  }
}

/** Where an epoch needs the blocks of one stream, from a position on. */
function usesOf(
  { blocks, starts }: Layout,
  at: {
    /** Position of the stream's first sample of the epoch. */
    readonly start: number;
    readonly streams: number;
    readonly fromPosition: number;
  },
): BlockUse[] {
  const { start, streams, fromPosition } = at;
  const before = Math.max(0, Math.ceil((fromPosition - start) / streams));
  return blocks.flatMap((block, k) => {
    const first = Math.max(starts[k] as number, before);
    const end = starts[k + 1] as number;
    if (first >= end) return [];
    return [
      {
        block,
        first: start + first * streams,
        last: start + (end - 1) * streams,
      },
    ];
  });
}
