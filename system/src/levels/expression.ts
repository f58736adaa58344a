/**
 * The part of PromQL that the service levels are written in, read into a tree: sums and maxima by labels, rates of
 * counters, arithmetic, `> 0`, `or vector(0)`. One expression then holds for Prometheus, Grafana and our own judgement.
 * Anything else is refused by name, never guessed. Grammar: https://prometheus.io/docs/prometheus/latest/querying/basics/
 */

export interface Matcher {
  readonly label: string
  readonly by: '=' | '!=' | '=~' | '!~'
  readonly value: string
}

export interface Selector {
  readonly kind: 'selector'
  readonly metric: string
  readonly matchers: readonly Matcher[]
}

/** Functions of a counter or gauge over the window. */
export type OverTime = 'rate' | 'increase' | 'count_over_time'

export type Expression =
  | Selector
  | { readonly kind: 'number'; readonly value: number }
  | { readonly kind: 'overTime'; readonly by: OverTime; readonly of: Selector }
  | {
      readonly kind: 'aggregate'
      readonly by: 'sum' | 'max'
      readonly labels: readonly string[]
      readonly of: Expression
    }
  | { readonly kind: 'atLeast'; readonly of: Expression; readonly bound: number }
  | { readonly kind: 'vector'; readonly value: number }
  | { readonly kind: 'pair'; readonly by: Operator; readonly left: Expression; readonly right: Expression }

export type Operator = 'or' | '>' | '-' | '+' | '/' | '*'

/** Weakest first: one rank a line, left to right within it. */
const ranks: readonly (readonly Operator[])[] = [['or'], ['>'], ['-', '+'], ['/', '*']]

const token = /\s*(?:([a-zA-Z_:][\w:]*)|(\d+(?:\.\d+)?)|"((?:\\.|[^"\\])*)"|(\[[^\]]*\])|(=~|!~|!=|[-+*/>=(){},]))/y

/** @throws SyntaxError naming what stands where it is not understood. */
export function readExpression(text: string): Expression {
  const tokens = new Tokens(text)
  const read = pair(tokens, 0)
  if (tokens.next !== undefined) throw tokens.unexpected()
  return read
}

class Tokens {
  next: string | undefined
  readonly #text: string
  #at = 0

  constructor(text: string) {
    this.#text = text
    this.take()
  }

  /** Gives the token at hand and goes on to the next one. Strings keep their quotes, ranges their brackets. */
  take(wanted?: string): string {
    const taken = this.next
    if (wanted !== undefined && taken !== wanted) throw this.unexpected()
    token.lastIndex = this.#at
    const found = token.exec(this.#text)
    if (found === null && this.#text.slice(this.#at).trim() !== '')
      throw new SyntaxError(`not understood: ${this.#text.slice(this.#at)}`)
    this.next = found?.[0].trim()
    this.#at = found === null ? this.#text.length : token.lastIndex
    return taken ?? ''
  }

  /** Goes on when that is the token at hand. */
  passes(wanted: string): boolean {
    if (this.next !== wanted) return false
    this.take()
    return true
  }

  unexpected(): SyntaxError {
    return new SyntaxError(`not understood: ${this.next ?? 'the end'} before "${this.#text.slice(this.#at)}"`)
  }
}

function pair(tokens: Tokens, rank: number): Expression {
  const operators = ranks[rank]
  if (operators === undefined) return single(tokens)
  let left = pair(tokens, rank + 1)
  while (operators.includes(tokens.next as Operator)) {
    const by = tokens.take() as Operator
    left = { kind: 'pair', by, left, right: pair(tokens, rank + 1) }
  }
  return left
}

function single(tokens: Tokens): Expression {
  if (tokens.next === '(') return inParentheses(tokens, () => pair(tokens, 0))
  const word = tokens.take()
  if (/^\d/.test(word)) return { kind: 'number', value: Number(word) }
  switch (word) {
    case 'sum':
    case 'max': {
      const labels = tokens.passes('by') ? inParentheses(tokens, () => names(tokens)) : []
      return { kind: 'aggregate', by: word, labels, of: inParentheses(tokens, () => pair(tokens, 0)) }
    }
    case 'rate':
    case 'increase':
    case 'count_over_time':
      return {
        kind: 'overTime',
        by: word,
        of: inParentheses(tokens, () => {
          const of = selector(tokens, tokens.take())
          if (!tokens.next?.startsWith('[')) throw tokens.unexpected()
          tokens.take()
          return of
        }),
      }
    case 'clamp_min':
      return inParentheses(tokens, () => {
        const of = pair(tokens, 0)
        tokens.take(',')
        return { kind: 'atLeast', of, bound: Number(tokens.take()) }
      })
    case 'vector':
      return { kind: 'vector', value: inParentheses(tokens, () => Number(tokens.take())) }
    default:
      if (!/^[a-zA-Z_:]/.test(word) || tokens.next === '(') throw new SyntaxError(`not understood: ${word}`)
      return selector(tokens, word)
  }
}

function inParentheses<T>(tokens: Tokens, read: () => T): T {
  tokens.take('(')
  const inner = read()
  tokens.take(')')
  return inner
}

function names(tokens: Tokens): string[] {
  const found = [tokens.take()]
  while (tokens.passes(',')) found.push(tokens.take())
  return found
}

function selector(tokens: Tokens, metric: string): Selector {
  const matchers: Matcher[] = []
  if (tokens.passes('{')) {
    do {
      const label = tokens.take()
      const by = tokens.take() as Matcher['by']
      matchers.push({ label, by, value: JSON.parse(tokens.take()) as string })
    } while (tokens.passes(','))
    tokens.take('}')
  }
  return { kind: 'selector', metric, matchers }
}
