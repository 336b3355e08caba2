/**
 * Decides whether an image file may go into a shard: reads its header, then decodes all of it, since a file may be cut off
 * behind a good header.
 */
import { decodeImage, DecodeError } from "../pixels/decode.ts";
import { meanChromaOf } from "../pixels/image.ts";
import { readImageHeader, type ImageHeader } from "./image-header.ts";

export type ExaminedImage = ImageHeader & {
  /** Mean chroma in [0, 1]. */
  readonly chroma: number;
};

/** What is in a file, or why it belongs into the quarantine, as a clause. */
export async function examineImage(
  file: Uint8Array,
): Promise<ExaminedImage | { readonly reason: string }> {
  const header = readImageHeader(file);
  if ("reason" in header) return header;
  try {
    const image = await decodeImage(file);
    if (image.width !== header.width || image.height !== header.height)
      return { reason: "header and content differ in size" };
    return { ...header, chroma: meanChromaOf(image) };
  } catch (thrown) {
    if (thrown instanceof DecodeError) return { reason: thrown.message };
    throw thrown;
  }
}
