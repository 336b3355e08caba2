/** Planes of floats made smaller and larger: for colouring photographs at the scale that a network knows. Pure. */

export type Plane = {
  readonly width: number;
  readonly height: number;
  /** [height, width, channels] */
  readonly values: Float32Array;
};

/** Means over squares of `factor` pixels; squares at the far edges may be cut. */
export function shrink(plane: Plane, factor: number): Plane {
  const channels = channelsOf(plane);
  const width = Math.ceil(plane.width / factor);
  const height = Math.ceil(plane.height / factor);
  const values = new Float32Array(width * height * channels);
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++)
      for (let c = 0; c < channels; c++)
        values[(y * width + x) * channels + c] = meanOf(plane, {
          top: y * factor,
          left: x * factor,
          side: factor,
          channel: c,
        });
  return { width, height, values };
}

function meanOf(
  { width, height, values }: Plane,
  square: {
    readonly top: number;
    readonly left: number;
    readonly side: number;
    readonly channel: number;
  },
): number {
  const channels = values.length / (width * height);
  const bottom = Math.min(square.top + square.side, height);
  const right = Math.min(square.left + square.side, width);
  let sum = 0;
  for (let y = square.top; y < bottom; y++)
    for (let x = square.left; x < right; x++)
      sum += values[(y * width + x) * channels + square.channel] as number;
  return sum / ((bottom - square.top) * (right - square.left));
}

/** The opposite of `shrink`, to a given size: bilinear between the centres of the squares. */
export function enlarge(
  plane: Plane,
  factor: number,
  size: { readonly width: number; readonly height: number },
): Plane {
  const channels = channelsOf(plane);
  const values = new Float32Array(size.width * size.height * channels);
  const across = Array.from({ length: size.width }, (_, x) =>
    between(x, factor, plane.width),
  );
  let to = 0;
  for (let y = 0; y < size.height; y++) {
    const v = between(y, factor, plane.height);
    for (const u of across)
      for (let c = 0; c < channels; c++) {
        const at = (row: number, column: number) =>
          plane.values[(row * plane.width + column) * channels + c] as number;
        const upper = mix(at(v.low, u.low), at(v.low, u.high), u.share);
        const lower = mix(at(v.high, u.low), at(v.high, u.high), u.share);
        values[to++] = mix(upper, lower, v.share);
      }
  }
  return { ...size, values };
}

function channelsOf({ width, height, values }: Plane): number {
  return values.length / (width * height);
}

function between(
  pixel: number,
  factor: number,
  cells: number,
): { readonly low: number; readonly high: number; readonly share: number } {
  const at = (pixel - (factor - 1) / 2) / factor;
  const clamped = Math.max(0, Math.min(cells - 1, at));
  const low = Math.floor(clamped);
  return { low, high: Math.min(low + 1, cells - 1), share: clamped - low };
}

function mix(a: number, b: number, share: number): number {
  return a + (b - a) * share;
}
