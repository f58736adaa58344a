/** Reads PromQL. The entry is `parseExpression`; then one method a level of the grammar, weakest operators first. */
import { Pattern } from '../pattern.ts'
import type { Matcher } from '../series.ts'
import { type Aggregation, type Expression, type Matching, type Operator, PromqlError } from './expression.ts'
import { functions } from './functions.ts'
import { durationMs, stringOf, type Token, tokensOf } from './tokens.ts'

/** Weakest first: one rank a line. `^` binds to the right, all others to the left. */
const ranks: readonly (readonly Operator[])[] = [
  ['or'],
  ['and', 'unless'],
  ['==', '!=', '>', '<', '>=', '<='],
  ['+', '-'],
  ['*', '/', '%'],
]
const comparisons: readonly string[] = ['==', '!=', '>', '<', '>=', '<=']
const aggregations: readonly string[] = [
  'sum',
  'avg',
  'min',
  'max',
  'count',
  'group',
  'stddev',
  'stdvar',
  'quantile',
  'topk',
  'bottomk',
] satisfies Aggregation[]
const withParameter: readonly string[] = ['quantile', 'topk', 'bottomk']
/** Expressions nest less deeply than this. */
const depthMax = 64
/** Operands and signs in all. */
const partsMax = 1_000
const lengthMsMax = 100 * 365 * 86_400_000

/** @throws PromqlError that says what isn't understood, and where */
export function parseExpression(text: string): Expression {
  return new Parser(text).whole()
}

class Parser {
  readonly #tokens: Token[]
  #next = 0
  #depth = 0
  #parts = 0

  constructor(text: string) {
    this.#tokens = tokensOf(text)
  }

  whole(): Expression {
    const read = this.#pair(0)
    if (this.#token.kind !== 'end') throw this.#unexpected()
    return read
  }

  get #token(): Token {
    return this.#tokens[this.#next] as Token
  }

  #take(wanted?: string): string {
    const { text } = this.#token
    if (wanted !== undefined && text !== wanted) throw this.#unexpected()
    if (this.#token.kind === 'end') throw this.#unexpected()
    this.#next += 1
    return text
  }

  #passes(wanted: string): boolean {
    if (this.#token.text !== wanted || this.#token.kind === 'string') return false
    this.#next += 1
    return true
  }

  #unexpected(): PromqlError {
    const { kind, text, at } = this.#token
    return new PromqlError(kind === 'end' ? 'it ends too early' : `unexpected ${text} at character ${at + 1}`)
  }

  /** Whatever may follow itself without brackets: it is evaluated by calls within calls. */
  #count(): void {
    this.#parts += 1
    if (this.#parts > partsMax) throw new PromqlError(`it has more than ${partsMax} parts`)
  }

  #pair(rank: number): Expression {
    const operators = ranks[rank]
    if (operators === undefined) return this.#unary()
    let left = this.#pair(rank + 1)
    for (;;) {
      const by = operators.find((operator) => operator === this.#token.text && this.#token.kind !== 'string')
      if (by === undefined) return left
      this.#take()
      left = this.#completed(by, left, () => this.#pair(rank + 1))
    }
  }

  #completed(by: Operator, left: Expression, right: () => Expression): Expression {
    this.#count()
    const bool = comparisons.includes(by) && this.#passes('bool')
    const matching = this.#matching()
    return { kind: 'pair', by, bool, matching, left, right: right() }
  }

  #matching(): Matching {
    const by = (['on', 'ignoring'] as const).find((word) => this.#passes(word))
    if (by === undefined) return { by: 'ignoring', labels: [], include: [] }
    const labels = this.#names()
    const group = this.#passes('group_left') ? 'left' : this.#passes('group_right') ? 'right' : undefined
    if (group === undefined) return { by, labels, include: [] }
    return { by, labels, group, include: this.#token.text === '(' ? this.#names() : [] }
  }

  #unary(): Expression {
    this.#count()
    if (this.#passes('+')) return this.#unary()
    if (this.#passes('-')) return { kind: 'negative', of: this.#unary() }
    const base = this.#ranged()
    if (!this.#passes('^')) return base
    return this.#completed('^', base, () => this.#unary())
  }

  /** With what may follow: a range, a subquery, an offset. */
  #ranged(): Expression {
    this.#depth += 1
    if (this.#depth > depthMax) throw new PromqlError(`it nests deeper than ${depthMax}`)
    let read = this.#single()
    this.#depth -= 1
    for (;;) {
      if (this.#passes('[')) read = this.#range(read)
      else if (this.#passes('offset')) read = this.#offset(read)
      else return read
    }
  }

  #range(of: Expression): Expression {
    const rangeMs = this.#length()
    if (this.#passes(':')) {
      const step = this.#token.text === ']' ? {} : { stepMs: this.#length() }
      this.#take(']')
      return { kind: 'subquery', of, rangeMs, ...step, offsetMs: 0 }
    }
    this.#take(']')
    if (of.kind !== 'selector' || of.rangeMs !== undefined) throw new PromqlError('only a selector has a range')
    return { ...of, rangeMs }
  }

  #offset(of: Expression): Expression {
    const sign = this.#passes('-') ? -1 : 1
    if (of.kind !== 'selector' && of.kind !== 'subquery') throw new PromqlError('only a selector has an offset')
    const offsetMs = this.#duration()
    if (!(offsetMs <= lengthMsMax)) throw new PromqlError('an offset is at most a century')
    return { ...of, offsetMs: sign * offsetMs }
  }

  #duration(): number {
    if (this.#token.kind !== 'duration') throw this.#unexpected()
    return durationMs(this.#take())
  }

  /** A range or a step: of no length it would have no end. */
  #length(): number {
    const ms = this.#duration()
    if (!(ms > 0 && ms <= lengthMsMax)) throw new PromqlError('a duration must be above 0, and at most a century')
    return ms
  }

  #single(): Expression {
    const { kind, text } = this.#token
    if (kind === 'string') return { kind: 'string', value: stringOf(this.#take()) }
    if (kind === 'number') return { kind: 'number', value: numberOf(this.#take()) }
    if (text === '{') return this.#selector([])
    if (text === '(') {
      this.#take('(')
      const inner = this.#pair(0)
      this.#take(')')
      return inner
    }
    if (kind !== 'word') throw this.#unexpected()
    this.#take()
    if (aggregations.includes(text) && ['(', 'by', 'without'].includes(this.#token.text))
      return this.#aggregate(text as Aggregation)
    if (this.#token.text === '(') return this.#call(text)
    return this.#selector([{ label: '__name__', by: '=', value: text }])
  }

  #call(name: string): Expression {
    const known = functions[name]
    if (known === undefined) throw new PromqlError(`the function ${name} is not known here`)
    const args = this.#arguments()
    const [least, most] = known.args
    if (args.length < least || args.length > most) throw new PromqlError(`${name} takes ${least} to ${most} arguments`)
    args.forEach((arg, n) => {
      const isRange = arg.kind === 'subquery' || (arg.kind === 'selector' && arg.rangeMs !== undefined)
      if (isRange !== (known.range === n)) throw new PromqlError(`${name} ${isRange ? 'takes no' : 'needs a'} range`)
    })
    return { kind: 'call', name, args }
  }

  #aggregate(by: Aggregation): Expression {
    let grouping = this.#grouping()
    const args = this.#arguments()
    grouping ??= this.#grouping()
    const [of, ...rest] = args.reverse()
    if (of === undefined || rest.length !== (withParameter.includes(by) ? 1 : 0))
      throw new PromqlError(`${by} has a wrong number of arguments`)
    const [parameter] = rest
    return {
      kind: 'aggregate',
      by,
      of,
      without: grouping?.without ?? false,
      labels: grouping?.labels ?? [],
      ...(parameter && { parameter }),
    }
  }

  #grouping(): { without: boolean; labels: string[] } | undefined {
    if (this.#passes('by')) return { without: false, labels: this.#names() }
    return this.#passes('without') ? { without: true, labels: this.#names() } : undefined
  }

  #arguments(): Expression[] {
    const args: Expression[] = []
    this.#take('(')
    while (!this.#passes(')')) {
      args.push(this.#pair(0))
      if (this.#token.text !== ')') this.#take(',')
    }
    return args
  }

  #names(): string[] {
    const names: string[] = []
    this.#take('(')
    while (!this.#passes(')')) {
      if (this.#token.kind !== 'word') throw this.#unexpected()
      names.push(this.#take())
      if (this.#token.text !== ')') this.#take(',')
    }
    return names
  }

  #string(): string {
    if (this.#token.kind !== 'string') throw this.#unexpected()
    return stringOf(this.#take())
  }

  #selector(matchers: Matcher[]): Expression {
    if (this.#passes('{'))
      while (!this.#passes('}')) {
        if (this.#token.kind !== 'word') throw this.#unexpected()
        const label = this.#take()
        const by = (['=', '!=', '=~', '!~'] as const).find((one) => one === this.#token.text)
        if (by === undefined) throw this.#unexpected()
        this.#take()
        matchers.push(checked({ label, by, value: this.#string() }))
        if (this.#token.text !== '}') this.#take(',')
      }
    if (matchers.length === 0) throw new PromqlError('a selector needs at least one matcher')
    return { kind: 'selector', matchers, offsetMs: 0 }
  }
}

function checked(matcher: Matcher): Matcher {
  if (matcher.by === '=~' || matcher.by === '!~')
    try {
      new Pattern(matcher.value)
    } catch (error) {
      const why = error instanceof Error ? error.message : ''
      throw new PromqlError(`not a regular expression here: ${matcher.value.slice(0, 100)} (${why})`)
    }
  return matcher
}

const numberOf = (text: string): number =>
  /^inf$/i.test(text) ? Number.POSITIVE_INFINITY : /^nan$/i.test(text) ? Number.NaN : Number(text)
