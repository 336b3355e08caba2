/**
 * A record as an object. S3 compares ETags, and an ETag is as a rule the MD5 of the bytes: the same bytes again would
 * bring an old ETag back, and a swap that expects it would win although the record had changed and changed back.
 *
 * So each write of a record ends in a nonce: 64 random bits, each a space or a tab. A record of JSON stays JSON for
 * whoever downloads it. `hueline-kind: record` in the metadata tells that the nonce is there.
 */
import { randomBytes } from "node:crypto";

export const nonceBytes = 64;

/** The bytes with a fresh nonce behind them. */
export function withNonce(bytes: Uint8Array): Uint8Array {
  const stored = new Uint8Array(bytes.byteLength + nonceBytes);
  stored.set(bytes);
  for (const [i, byte] of randomBytes(nonceBytes / 8).entries())
    for (let bit = 0; bit < 8; bit++)
      stored[bytes.byteLength + 8 * i + bit] = (byte >> bit) & 1 ? 0x09 : 0x20;
  return stored;
}

export function withoutNonce(stored: Uint8Array): Uint8Array {
  return stored.subarray(0, Math.max(0, stored.byteLength - nonceBytes));
}

/** Whether a text can be an ETag. What cannot was never given out, and is not sent. */
export function isEtag(text: string): boolean {
  return /^(W\/)?"[\x21\x23-\x7e]+"$/.test(text);
}
