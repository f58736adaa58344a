/** Small things that several proofs of watching need. */

/** A random number in hex: trace and span ids of our own. */
export const randomHex = (digits: number): string =>
  Array.from({ length: digits }, () => Math.trunc(Math.random() * 16).toString(16)).join('')

/** Samples of a metric added up. @param label a part of the labels, such as `group="orders"` */
export const sumOf = (page: ReadonlyMap<string, number>, name: string, label = ''): number =>
  [...page]
    .filter(([key]) => (key === name || key.startsWith(`${name}{`)) && key.includes(label))
    .reduce((sum, [, value]) => sum + value, 0)
