/** A picture that a person names on the command line: read whole, decoded, or one clear error. */
import { readFile } from "node:fs/promises";
import { systemCode, UserError } from "../base/errors.ts";
import { DecodeError, decodeImage } from "../data/pixels/decode.ts";
import type { Image } from "../data/pixels/image.ts";

/** Throws `code` (UserError) where the file cannot be read or is no image. */
export async function readPictureFile(
  path: string,
  code: string,
): Promise<Image> {
  try {
    return await decodeImage(await readFile(path));
  } catch (thrown) {
    const cause = systemCode(thrown);
    if (cause === null && !(thrown instanceof DecodeError)) throw thrown;
    throw new UserError({
      code,
      message: `'${path}' cannot be read as an image: ${cause ?? String(thrown)}`,
      hint: "give JPEG, PNG or PPM files",
      cause: thrown,
    });
  }
}
