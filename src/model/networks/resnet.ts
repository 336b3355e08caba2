/**
 * Residual networks of 50, 101 and 152 layers (paper, section 2.3): bottleneck blocks of the first version, convolutions without
 * bias, trained batch norm. Strided windows are padded alike on all sides, so that cell 0 of every layer is centred on pixel 0: the
 * same as computing at stride 1 and taking every second cell, as the authors do, and what PyTorch does.
 *
 * Which convolution of a stage's first block has the stride is part of the declaration: the first 1x1 in Caffe's layout, the 3x3 in
 * torchvision's. The weights have the same shapes; the networks are not the same function.
 */
import type { OptionsOf } from "../../spec/params/params-model.ts";
import type { Layer, Network, ResidualLayer } from "../network.ts";
import {
  channelsOf,
  convolution,
  convolutionUnit,
  maxPool,
  scaleDepth,
  scaleWidth,
} from "./layers.ts";

type ResNetName = "resnet50" | "resnet101" | "resnet152";

const BLOCKS: Readonly<Record<ResNetName, readonly number[]>> = {
  resnet50: [3, 4, 6, 3],
  resnet101: [3, 4, 23, 3],
  resnet152: [3, 8, 36, 3],
};

/** Width of the first stage's bottleneck; each stage doubles it. A block's output is four times as wide. */
const FIRST_WIDTH = 64;
const EXPANSION = 4;
/** The hypercolumn reads every so-manieth block of each stage, counted back from its last (section 1.6). */
const READ_EVERY = [1, 3, 5, 3] as const;

export function resnet(
  options: OptionsOf<ResNetName>,
  model: Network["model"],
): Network {
  const { input, batchNorm } = options;
  const stem = scaleWidth(FIRST_WIDTH, options.width);
  const stages = BLOCKS[options.network].map((count, index) =>
    createStage(scaleDepth(count, options.depth), index, options),
  );
  const layers: Layer[] = [
    convolution({
      name: "conv1",
      kernel: 7,
      stride: 2,
      padding: 3,
      width: stem,
      bias: false,
      batchNorm,
    }),
    maxPool("pool1", 3, { stride: 2, padding: 1 }),
    ...stages.flat(),
  ];
  return {
    model,
    inputChannels: channelsOf[input],
    layers,
    hypercolumn: [
      "conv1",
      ...stages
        .flatMap((blocks, stage) =>
          blocks.filter((_, block) => isRead(block, blocks.length, stage)),
        )
        .map(({ name }) => name),
    ],
    aliases: Object.fromEntries(
      stages.map((blocks, stage) => [
        `layer${stage + 1}`,
        blocks.at(-1)?.name ?? "",
      ]),
    ),
  };
}

/** Counted back from the last block; of a longer stage never the first, which changes width and resolution. */
function isRead(block: number, blocks: number, stage: number): boolean {
  const every = READ_EVERY[stage] ?? 1;
  const isCounted = (blocks - 1 - block) % every === 0;
  return isCounted && (every === 1 || block > 0 || blocks === 1);
}

function createStage(
  blocks: number,
  stage: number,
  options: OptionsOf<ResNetName>,
): readonly ResidualLayer[] {
  return Array.from({ length: blocks }, (_, block) =>
    createBlock(blockName(stage, block, blocks), options, {
      stage,
      isFirst: block === 0,
    }),
  );
}

/** Caffe's names: letters in short stages, `a` and then `b1`, `b2`, … in longer ones. */
function blockName(stage: number, block: number, blocks: number): string {
  const letter = String.fromCharCode("a".charCodeAt(0) + block);
  const tail = blocks <= 3 || block === 0 ? letter : `b${block}`;
  return `res${stage + 2}${tail}`;
}

function createBlock(
  name: string,
  { width, batchNorm, stride }: OptionsOf<ResNetName>,
  { stage, isFirst }: { readonly stage: number; readonly isFirst: boolean },
): ResidualLayer {
  const inner = scaleWidth(FIRST_WIDTH * 2 ** stage, width);
  const step = isFirst && stage > 0 ? 2 : 1;
  const unit = (part: string, kernel: number, wide: number, own: number) =>
    convolutionUnit({
      name: `${name}/${part}`,
      kernel,
      stride: own,
      padding: (kernel - 1) / 2,
      width: wide,
      bias: false,
      batchNorm,
    });
  const stepOf = (kernel: typeof stride) => (kernel === stride ? step : 1);
  return {
    kind: "residual",
    name,
    branch: [
      unit("branch2a", 1, inner, stepOf("1x1")),
      unit("branch2b", 3, inner, stepOf("3x3")),
      unit("branch2c", 1, inner * EXPANSION, 1),
    ],
    projection: isFirst ? unit("branch1", 1, inner * EXPANSION, step) : null,
  };
}
