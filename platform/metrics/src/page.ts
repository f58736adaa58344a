/** A page of metrics in Prometheus' text format (exposition format 0.0.4, and what OpenMetrics shares with it). */
import type { Labels } from './series.ts'

export type PageSample = {
  /** Name and labels as they are in the page: tells its series from the others of it. */
  readonly key: string
  readonly value: number
}

export type Metadata = { readonly type: string; readonly help: string }

/**
 * Calls back for every sample; lines that aren't samples are skipped. Nothing is made of a line but its key and value:
 * most pages are the same as the last one but for their values.
 */
export function readPage(
  page: string,
  sample: (key: string, value: number) => void,
  about?: (name: string, what: 'TYPE' | 'HELP', text: string) => void,
): void {
  for (let start = 0; start < page.length; ) {
    const newline = page.indexOf('\n', start)
    const end = newline < 0 ? page.length : newline
    if (page[start] === '#') {
      if (about !== undefined) readAbout(page.slice(start, end), about)
    } else if (end > start) readSample(page, start, end, sample)
    start = end + 1
  }
}

function readSample(page: string, start: number, end: number, sample: (key: string, value: number) => void): void {
  const brace = page.indexOf('{', start)
  // The label part may hold spaces; what follows the key is the value, and maybe a time of its own.
  const keyEnd = brace >= 0 && brace < end ? closingBrace(page, brace, end) + 1 : page.indexOf(' ', start)
  if (keyEnd <= start || keyEnd > end) return
  const [value = ''] = page.slice(keyEnd, end).trim().split(/\s+/, 1)
  if (value !== '') sample(page.slice(start, keyEnd), numberOf(value))
}

function closingBrace(page: string, brace: number, end: number): number {
  let isQuoted = false
  for (let at = brace + 1; at < end; at += 1) {
    const character = page[at]
    if (isQuoted && character === '\\') at += 1
    else if (character === '"') isQuoted = !isQuoted
    else if (character === '}' && !isQuoted) return at
  }
  return -1
}

function readAbout(line: string, about: (name: string, what: 'TYPE' | 'HELP', text: string) => void): void {
  const [, what, name, text] = /^# (TYPE|HELP) (\S+) (.*)$/.exec(line) ?? []
  if (what !== undefined && name !== undefined) about(name, what as 'TYPE' | 'HELP', text ?? '')
}

const numberOf = (text: string): number =>
  text === '+Inf' || text === 'Inf'
    ? Number.POSITIVE_INFINITY
    : text === '-Inf'
      ? Number.NEGATIVE_INFINITY
      : Number(text)

const keyForm = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})?$/s
const label = /([a-zA-Z_]\w*)="((?:\\.|[^"\\])*)"/gs
const escapes: Readonly<Record<string, string>> = { '\\\\': '\\', '\\"': '"', '\\n': '\n' }

/** @returns the labels of a page's key, its name among them as `__name__`; undefined when it isn't one */
export function labelsOfKey(key: string): Labels | undefined {
  const [, name, inner = ''] = keyForm.exec(key) ?? []
  if (name === undefined) return undefined
  const own = [...inner.matchAll(label)].map(([, each = '', raw = '']) => [
    each,
    raw.replaceAll(/\\[\\"n]/g, (found) => escapes[found] ?? found),
  ])
  return { __name__: name, ...Object.fromEntries(own) }
}

/** The metric's name out of a page's key. */
export const nameOfKey = (key: string): string => {
  const brace = key.indexOf('{')
  return brace < 0 ? key : key.slice(0, brace)
}

/**
 * The target's labels and the page's own. What the page says itself goes before, as with `honor_labels`: of
 * `http_client_…` the label `service` is whom it calls.
 */
export const withTarget = (own: Labels, target: Labels): Labels => ({ ...target, ...own })
