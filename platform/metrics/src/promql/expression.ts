/** PromQL as data: what `parse.ts` reads and `evaluate.ts` evaluates. README.md says which part of the language it is. */
import type { Matcher } from '../series.ts'

/** What is wrong with an expression, for whoever wrote it. */
export class PromqlError extends Error {}

/** It would take too long, or too much memory. */
export class TooManySamples extends PromqlError {
  constructor() {
    super('it looks at too many samples: ask for a shorter range, or for fewer series')
  }
}

export type Operator =
  | 'or'
  | 'and'
  | 'unless'
  | '=='
  | '!='
  | '>'
  | '<'
  | '>='
  | '<='
  | '+'
  | '-'
  | '*'
  | '/'
  | '%'
  | '^'

export type Aggregation =
  | 'sum'
  | 'avg'
  | 'min'
  | 'max'
  | 'count'
  | 'group'
  | 'stddev'
  | 'stdvar'
  | 'quantile'
  | 'topk'
  | 'bottomk'

export type Selector = {
  readonly kind: 'selector'
  readonly matchers: readonly Matcher[]
  /** A range makes it a range vector. */
  readonly rangeMs?: number
  readonly offsetMs: number
}

export type Subquery = {
  readonly kind: 'subquery'
  readonly of: Expression
  readonly rangeMs: number
  readonly stepMs?: number
  readonly offsetMs: number
}

export type Matching = {
  /** `on` keeps these labels, `ignoring` all others. */
  readonly by: 'on' | 'ignoring'
  readonly labels: readonly string[]
  readonly group?: 'left' | 'right'
  readonly include: readonly string[]
}

export type Expression =
  | { readonly kind: 'number'; readonly value: number }
  | { readonly kind: 'string'; readonly value: string }
  | Selector
  | Subquery
  | { readonly kind: 'negative'; readonly of: Expression }
  | { readonly kind: 'call'; readonly name: string; readonly args: readonly Expression[] }
  | {
      readonly kind: 'aggregate'
      readonly by: Aggregation
      readonly parameter?: Expression
      readonly of: Expression
      readonly without: boolean
      readonly labels: readonly string[]
    }
  | {
      readonly kind: 'pair'
      readonly by: Operator
      readonly bool: boolean
      readonly matching: Matching
      readonly left: Expression
      readonly right: Expression
    }
