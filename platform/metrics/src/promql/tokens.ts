/** PromQL's text as tokens. */
import { PromqlError } from './expression.ts'

export type Token = {
  readonly kind: 'word' | 'number' | 'string' | 'duration' | 'sign' | 'end'
  readonly text: string
  readonly at: number
}

/** Longer expressions are refused: ours have at most a thousand characters. */
const charsMax = 10_000

const form =
  /(?:((?:\d+(?:\.\d+)?(?:ms|[smhdwy]))+)(?![\w.])|(0x[0-9a-fA-F]+|\d+(?:\.\d*)?(?:[eE][-+]?\d+)?|\.\d+(?:[eE][-+]?\d+)?|(?:[iI]nf|[nN]a[nN])(?![\w:]))|([a-zA-Z_][\w:]*)|("(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|`[^`]*`)|(=~|!~|!=|==|>=|<=|[-+*/%^><=(){}[\],:@]))/y
const space = /(?:\s|#[^\n]*)*/y
const kinds = ['duration', 'number', 'word', 'string', 'sign'] as const

/** @throws PromqlError that shows where */
export function tokensOf(text: string): Token[] {
  if (text.length > charsMax) throw new PromqlError(`an expression may have ${charsMax} characters`)
  const tokens: Token[] = []
  for (let at = behindSpace(text, 0); at < text.length; at = behindSpace(text, form.lastIndex)) {
    form.lastIndex = at
    const found = form.exec(text)
    if (found === null) throw new PromqlError(`not understood: ${text.slice(at, at + 40).trim()}`)
    const kind = kinds.find((_, n) => found[n + 1] !== undefined) ?? 'sign'
    tokens.push({ kind, text: found[kinds.indexOf(kind) + 1] ?? '', at })
  }
  tokens.push({ kind: 'end', text: 'the end', at: text.length })
  return tokens
}

/** Space and remarks end here. Each character of them is read in one way alone, so this takes no longer than they are. */
function behindSpace(text: string, at: number): number {
  space.lastIndex = at
  return at + (space.exec(text)?.[0].length ?? 0)
}

const unitMs: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 7 * 86_400_000,
  y: 365 * 86_400_000,
}

/** `1h30m` in ms. */
export function durationMs(text: string): number {
  return [...text.matchAll(/(\d+(?:\.\d+)?)(ms|[smhdwy])/g)].reduce(
    (sum, [, count, unit]) => sum + Number(count) * (unitMs[unit ?? ''] ?? 0),
    0,
  )
}

const escapes: Readonly<Record<string, string>> = {
  n: '\n',
  t: '\t',
  r: '\r',
  '\\': '\\',
  '"': '"',
  "'": "'",
  '`': '`',
}

/** A string token's text. */
export const stringOf = (token: string): string =>
  token.startsWith('`')
    ? token.slice(1, -1)
    : token.slice(1, -1).replaceAll(/\\(.)/gs, (_, character: string) => escapes[character] ?? `\\${character}`)
