/**
 * How long to wait after failures in a row, in ms: half of a bound that doubles with each, and the other half by chance.
 *
 * @param failures 0 after a success
 * @param random from 0 to 1
 */
export function backOffMs(
  failures: number,
  bounds: { readonly minMs: number; readonly maxMs: number },
  random: number,
) {
  const ceilingMs = Math.min(bounds.maxMs, bounds.minMs * 2 ** Math.min(failures, 10))
  return ceilingMs / 2 + (random * ceilingMs) / 2
}
