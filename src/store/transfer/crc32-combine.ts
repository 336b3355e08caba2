/**
 * The CRC-32 of two byte strings joined, from the CRC-32 of each: ranges can be checked as they come, in any order,
 * and the whole without being read again. The method is zlib's `crc32_combine`: appending n zero bytes multiplies
 * the polynomial of the first sum by x^(8n), modulo the CRC's own polynomial, over GF(2).
 */

/** x^32 + x^26 + … + 1, bits reversed: the highest bit is the constant term. */
const polynomial = 0xedb88320;
const one = 0x80000000;

/** The CRC-32 of A followed by B, where B has `lengthOfB` bytes. Sums are unsigned, as `node:zlib` gives them. */
export function combineCrc32(
  sumOfA: number,
  sumOfB: number,
  lengthOfB: number,
): number {
  return (multiply(power(lengthOfB), sumOfA) ^ sumOfB) >>> 0;
}

/** The product of two polynomials, modulo the CRC's. */
function multiply(a: number, b: number): number {
  let product = 0;
  let factor = b;
  for (let bit = one; bit !== 0; bit >>>= 1) {
    if ((a & bit) !== 0) product ^= factor;
    factor = (factor & 1) === 0 ? factor >>> 1 : (factor >>> 1) ^ polynomial;
  }
  return product >>> 0;
}

/** x^(8 * bytes), by squaring. */
function power(bytes: number): number {
  let result = one;
  // x^8.
  let square = one >>> 8;
  for (let left = bytes; left > 0; left = Math.floor(left / 2)) {
    if (left % 2 === 1) result = multiply(square, result);
    square = multiply(square, square);
  }
  return result;
}
