/**
 * Filter expressions of the Consul API (`?filter=`), compiled to a predicate over the JSON of one item.
 * Grammar: HashiCorp's "Filtering" page: `==`, `!=`, `in`, `not in`, `contains`, `not contains`, `is empty`,
 * `is not empty`, `matches`, `not matches`, `and`, `or`, `not`, parentheses. Absent: selectors with `/`.
 */
import { Refusal } from './refusal.ts'

type Predicate = (item: unknown) => boolean
interface Token {
  readonly kind: 'word' | 'text' | 'sign'
  readonly value: string
}

const tokenPattern = /\s*(?:"((?:[^"\\]|\\.)*)"|`([^`]*)`|(==|!=|\(|\)|\[|\]|\.)|([\p{L}\d_:/+-]+(?:\.\d+)?))/uy
/** Regular expressions run on the server's thread: a short pattern over short values keeps a bad one bearable. */
const patternCharactersMax = 128

/** @throws Refusal 400 when the expression cannot be read */
export function compileFilter(expression: string): Predicate {
  const parser = new Parser(tokenize(expression))
  const predicate = parser.either()
  parser.end()
  return predicate
}

function tokenize(expression: string): Token[] {
  const tokens: Token[] = []
  let at = 0
  while (expression.slice(at).trim() !== '') {
    tokenPattern.lastIndex = at
    const match = tokenPattern.exec(expression)
    if (match === null) throw bad(`cannot read "${expression.slice(at).trim().slice(0, 20)}"`)
    at = tokenPattern.lastIndex
    const [, quoted, raw, sign, word] = match
    if (quoted !== undefined) tokens.push({ kind: 'text', value: unescapeText(quoted) })
    else if (raw !== undefined) tokens.push({ kind: 'text', value: raw })
    else if (sign !== undefined) tokens.push({ kind: 'sign', value: sign })
    else tokens.push({ kind: 'word', value: word! })
  }
  return tokens
}

function unescapeText(quoted: string): string {
  return quoted.replace(/\\(.)/g, '$1')
}

class Parser {
  readonly #tokens: readonly Token[]
  #at = 0

  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens
  }

  either(): Predicate {
    let left = this.both()
    while (this.#takes('or')) {
      const [first, second] = [left, this.both()]
      left = (item) => first(item) || second(item)
    }
    return left
  }

  both(): Predicate {
    let left = this.single()
    while (this.#takes('and')) {
      const [first, second] = [left, this.single()]
      left = (item) => first(item) && second(item)
    }
    return left
  }

  single(): Predicate {
    if (this.#takes('not')) {
      const inner = this.single()
      return (item) => !inner(item)
    }
    if (this.#takes('(')) {
      const inner = this.either()
      this.#expect(')')
      return inner
    }
    return this.#comparison()
  }

  end(): void {
    if (this.#at < this.#tokens.length) throw bad(`"${this.#tokens[this.#at]!.value}" is one too many`)
  }

  /** `value in selector`, or a selector followed by its operator. */
  #comparison(): Predicate {
    const first = this.#tokens[this.#at]
    const next = this.#tokens[this.#at + 1]?.value
    if (
      first !== undefined &&
      first.kind !== 'sign' &&
      (next === 'in' || (next === 'not' && this.#tokens[this.#at + 2]?.value === 'in'))
    ) {
      this.#at++
      const negated = this.#takes('not')
      this.#expect('in')
      const path = this.#selector()
      return (item) => found(item, path).some((value) => holds(value, first.value)) !== negated
    }
    const path = this.#selector()
    if (this.#takes('==')) return compareWith(path, this.#value(), false)
    if (this.#takes('!=')) return compareWith(path, this.#value(), true)
    if (this.#takes('is')) {
      const negated = this.#takes('not')
      this.#expect('empty')
      return (item) => found(item, path).every(isEmpty) !== negated
    }
    const negated = this.#takes('not')
    if (this.#takes('contains')) {
      const wanted = this.#value()
      return (item) => found(item, path).some((value) => holds(value, wanted)) !== negated
    }
    if (this.#takes('matches')) {
      const pattern = compilePattern(this.#value())
      return (item) => found(item, path).some((value) => typeof value === 'string' && pattern.test(value)) !== negated
    }
    throw bad(`an operator is missing after ${path.join('.')}`)
  }

  #selector(): string[] {
    const path = [this.#next('word')]
    for (;;) {
      if (this.#takes('.')) path.push(this.#next('word'))
      else if (this.#takes('[')) {
        path.push(this.#value())
        this.#expect(']')
      } else return path
    }
  }

  #value(): string {
    const token = this.#tokens[this.#at++]
    if (token === undefined || token.kind === 'sign') throw bad('a value is missing')
    return token.value
  }

  #next(kind: Token['kind']): string {
    const token = this.#tokens[this.#at++]
    if (token?.kind !== kind) throw bad(`a selector was expected${token === undefined ? '' : `, not "${token.value}"`}`)
    return token.value
  }

  #takes(value: string): boolean {
    const token = this.#tokens[this.#at]
    if (token === undefined || token.kind === 'text' || token.value !== value) return false
    this.#at++
    return true
  }

  #expect(value: string): void {
    if (!this.#takes(value)) throw bad(`"${value}" was expected`)
  }
}

function compareWith(path: readonly string[], wanted: string, negated: boolean): Predicate {
  return (item) => found(item, path).some((value) => isScalar(value) && String(value) === wanted) !== negated
}

/** Values at a path; a list on the way stands for each of its items. Own properties only. */
function found(item: unknown, path: readonly string[]): unknown[] {
  let values = [item]
  for (const name of path) {
    values = values
      .flatMap((value) => (Array.isArray(value) ? value : [value]))
      .flatMap((value) =>
        typeof value === 'object' && value !== null && Object.hasOwn(value, name)
          ? [(value as Record<string, unknown>)[name]]
          : [],
      )
  }
  return values
}

function holds(value: unknown, wanted: string): boolean {
  if (Array.isArray(value)) return value.some((entry) => isScalar(entry) && String(entry) === wanted)
  if (typeof value === 'string') return value.includes(wanted)
  return typeof value === 'object' && value !== null && Object.hasOwn(value, wanted)
}

function isEmpty(value: unknown): boolean {
  if (value === null || value === '') return true
  return typeof value === 'object' && Object.keys(value).length === 0
}

function isScalar(value: unknown): boolean {
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean'
}

function compilePattern(source: string): RegExp {
  if (source.length > patternCharactersMax) throw bad(`a pattern may have ${patternCharactersMax} characters`)
  try {
    return new RegExp(source, 'u')
  } catch (error) {
    throw bad((error as Error).message)
  }
}

function bad(reason: string): Refusal {
  return new Refusal(400, `Failed to create boolean expression evaluator: ${reason}`)
}
