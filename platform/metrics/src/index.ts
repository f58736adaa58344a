/** What metrics say: pages of them, expressions over them, and whether a promise is kept. Pure, no I/O, no clock. */
export * from './judge.ts'
export * from './looks.ts'
export * from './page.ts'
export { evaluate, evaluateRange, type RangeSeries, samplesMax } from './promql/evaluate.ts'
export { type Expression, PromqlError, TooManySamples } from './promql/expression.ts'
export { parseExpression } from './promql/parse.ts'
export { keyOf, type Labels, type Matcher, matches, type Series, type SeriesSource } from './series.ts'
