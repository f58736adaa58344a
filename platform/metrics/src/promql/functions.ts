/** Which functions there are, how many arguments each takes, and which of them is a range. */
import { rangeFunctions } from './range-functions.ts'

type FunctionForm = {
  readonly args: readonly [least: number, most: number]
  /** Index of the argument that is a range vector; -1: none. */
  readonly range: number
}

/** Of each sample, its value alone. */
export const valueFunctions: Readonly<Record<string, (value: number) => number>> = {
  abs: Math.abs,
  ceil: Math.ceil,
  floor: Math.floor,
  exp: Math.exp,
  ln: Math.log,
  log2: Math.log2,
  log10: Math.log10,
  sqrt: Math.sqrt,
  sgn: Math.sign,
}

const withParameter: Readonly<Record<string, FunctionForm>> = {
  quantile_over_time: { args: [2, 2], range: 1 },
  predict_linear: { args: [2, 2], range: 0 },
}

const others: Readonly<Record<string, FunctionForm>> = {
  round: { args: [1, 2], range: -1 },
  clamp: { args: [3, 3], range: -1 },
  clamp_min: { args: [2, 2], range: -1 },
  clamp_max: { args: [2, 2], range: -1 },
  vector: { args: [1, 1], range: -1 },
  scalar: { args: [1, 1], range: -1 },
  time: { args: [0, 0], range: -1 },
  timestamp: { args: [1, 1], range: -1 },
  absent: { args: [1, 1], range: -1 },
  sort: { args: [1, 1], range: -1 },
  sort_desc: { args: [1, 1], range: -1 },
  histogram_quantile: { args: [2, 2], range: -1 },
  label_replace: { args: [5, 5], range: -1 },
}

const plain = (names: readonly string[], range: number) =>
  Object.fromEntries(names.map((name) => [name, { args: [1, 1], range } as const]))

/** By name. */
export const functions: Readonly<Record<string, FunctionForm>> = Object.assign(
  Object.create(null),
  plain(Object.keys(rangeFunctions), 0),
  plain(Object.keys(valueFunctions), -1),
  withParameter,
  others,
)
