/**
 * The port to where images come from, and the table of formats. A source is a list in an order of its own, which is
 * the same wherever and whenever it is opened; reading gives files as stored, not pixels.
 */
import type {
  ClassChoice,
  FileList,
  Share,
  SOURCE_FORMATS,
  Split,
} from "../../spec/params/params-shard.ts";
import { openCifarBinary } from "./cifar-binary.ts";
import { openCifar10 } from "./cifar10.ts";
import { openFileList } from "./file-list.ts";
import type { FileTree } from "../places/file-tree.ts";
import { openImageFolder } from "./image-folder.ts";
import type { LeftOut } from "../places/left-out.ts";
import { openPlace } from "../places/place.ts";
import { openTarFiles } from "./tar-files.ts";
import { selectImages } from "./select-images.ts";
import { openVoc } from "./voc.ts";

export type SourceFormat = (typeof SOURCE_FORMATS)[number];

export type SourceItem = {
  /** Where it comes from, for people: a path inside the source. */
  readonly origin: string;
  /** Index into the source's classes; −1: no label, or several. */
  readonly label: number;
  /** All labels of an image that may have several, ascending; absent where each has at most one. */
  readonly labels?: readonly number[];
  /** Classes that such an image may show or not: nobody can tell. */
  readonly difficult?: readonly number[];
};

export type Source = {
  /** Names what was listed: every part of a split stage must see the same. */
  readonly identity: string;
  readonly classes: readonly string[];
  /** What the numbers of masks mean, from 0; absent: the source has no masks. */
  readonly maskClasses?: readonly string[];
  readonly items: readonly SourceItem[];
  readonly leftOut: readonly LeftOut[];
  /**
   * Reads the files of the wanted items, each once, in whatever order is cheapest, a few at a time.
   * `visit` gets the position in `wanted`, and the mask's file where the source has masks.
   */
  read(
    wanted: readonly number[],
    visit: (
      position: number,
      file: Uint8Array,
      mask?: Uint8Array,
    ) => Promise<void>,
  ): Promise<void>;
};

export type SourceRequest = {
  readonly source: string;
  readonly format: SourceFormat;
  readonly split: Split;
  /** Take only so many items. */
  readonly limit: number | null;
  /** Take only some classes, and only a part of each. */
  readonly classes?: ClassChoice | undefined;
  readonly share?: Share | undefined;
  /** Of a file list: where it lies in the source, and what goes with it. */
  readonly list?: string | FileList | undefined;
  /** Whether masks are wanted; absent: where the source has them. */
  readonly masks?: boolean | undefined;
};

export type OpenSource = (
  tree: FileTree,
  request: SourceRequest,
) => Promise<Source>;

const formats: Readonly<Record<SourceFormat, OpenSource>> = {
  cifar10: openCifar10,
  "cifar-binary": openCifarBinary,
  "file-list": openFileList,
  "image-folder": openImageFolder,
  tar: openTarFiles,
  voc: openVoc,
};

/** Lists a source. @throws UserError when it is not there or not laid out as its format says. */
export async function openSource(request: SourceRequest): Promise<Source> {
  return openSourceOf(await openPlace(request.source), request);
}

/** The source in files that are listed already. */
export async function openSourceOf(
  tree: FileTree,
  request: SourceRequest,
): Promise<Source> {
  const open = formats[request.format];
  if (request.classes === undefined && request.share === undefined)
    return await open(tree, request);
  return selectImages(await open(tree, { ...request, limit: null }), request);
}
