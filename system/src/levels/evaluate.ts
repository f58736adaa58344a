/** What an expression comes to over some looks at the running system, as Prometheus would have it. Pure. */
import type { Expression, Matcher, Operator, OverTime, Selector } from './expression.ts'
import type { Sample, Scrape } from './scrape.ts'

export interface Element {
  readonly labels: Readonly<Record<string, string>>
  readonly value: number
}

/** One series: its samples in the order of time. */
interface Series {
  readonly labels: Readonly<Record<string, string>>
  readonly points: readonly { readonly atMs: number; readonly value: number }[]
}

/**
 * The window is all that was seen. Unlike Prometheus, a rate is taken over the time between the first sample and the last,
 * not stretched to the edges of the window: with looks of our own both are known exactly.
 */
export function evaluate(expression: Expression, seen: readonly Scrape[]): readonly Element[] {
  const value = valueOver(expression, seen)
  return typeof value === 'number' ? [{ labels: {}, value }] : value
}

type Value = number | readonly Element[]

function valueOver(expression: Expression, seen: readonly Scrape[]): Value {
  switch (expression.kind) {
    case 'number':
      return expression.value
    case 'vector':
      return [{ labels: {}, value: expression.value }]
    case 'selector':
      return (seen.at(-1)?.samples ?? []).filter((sample) => selects(expression, sample)).map(nameless)
    case 'overTime':
      return seriesOf(expression.of, seen).flatMap((series) => overTime(expression.by, series))
    case 'aggregate':
      return aggregate(expression.by, expression.labels, evaluate(expression.of, seen))
    case 'atLeast':
      return evaluate(expression.of, seen).map((one) => ({ ...one, value: Math.max(one.value, expression.bound) }))
    case 'pair':
      return combine(expression.by, valueOver(expression.left, seen), valueOver(expression.right, seen))
  }
}

const nameless = ({ labels, value }: Sample): Element => ({ labels, value })

const selects = ({ metric, matchers }: Selector, { name, labels }: Sample): boolean =>
  name === metric && matchers.every((matcher) => matches(matcher, labels[matcher.label] ?? ''))

/** Regular expressions are anchored at both ends. */
function matches({ by, value }: Matcher, own: string): boolean {
  if (by === '=') return own === value
  if (by === '!=') return own !== value
  return new RegExp(`^(?:${value})$`).test(own) === (by === '=~')
}

const keyOf = (labels: Readonly<Record<string, string>>): string =>
  JSON.stringify(Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1)))

function seriesOf(selector: Selector, seen: readonly Scrape[]): Series[] {
  const found = new Map<string, { labels: Sample['labels']; points: { atMs: number; value: number }[] }>()
  for (const { atMs, samples } of seen)
    for (const sample of samples) {
      if (!selects(selector, sample)) continue
      const key = keyOf(sample.labels)
      const series = found.get(key) ?? { labels: sample.labels, points: [] }
      series.points.push({ atMs, value: sample.value })
      found.set(key, series)
    }
  return [...found.values()]
}

/** A counter that falls was set back to 0 by a restart: what it shows afterwards has been counted since. */
function overTime(by: OverTime, { labels, points }: Series): Element[] {
  if (by === 'count_over_time') return [{ labels, value: points.length }]
  const [first, last] = [points[0], points.at(-1)]
  if (first === undefined || last === undefined || first === last) return []
  const grown = points
    .slice(1)
    .reduce((sum, { value }, at) => sum + (value < points[at]!.value ? value : value - points[at]!.value), 0)
  return [{ labels, value: by === 'increase' ? grown : grown / ((last.atMs - first.atMs) / 1_000) }]
}

function aggregate(by: 'sum' | 'max', labels: readonly string[], elements: readonly Element[]): Element[] {
  const groups = new Map<string, { labels: Element['labels']; value: number }>()
  for (const { labels: own, value } of elements) {
    // An empty label and none are the same.
    const kept = Object.fromEntries(labels.flatMap((name) => (own[name] ? [[name, own[name]]] : [])))
    const key = keyOf(kept)
    const before = groups.get(key)?.value
    const after = before === undefined ? value : by === 'sum' ? before + value : Math.max(before, value)
    groups.set(key, { labels: kept, value: after })
  }
  return [...groups.values()]
}

const arithmetic: Readonly<Record<'-' | '+' | '/' | '*', (a: number, b: number) => number>> = {
  '-': (a, b) => a - b,
  '+': (a, b) => a + b,
  '/': (a, b) => a / b,
  '*': (a, b) => a * b,
}

/** Two vectors meet one to one, by equal labels; what has no partner falls out. `>` keeps what holds. */
function combine(by: Operator, left: Value, right: Value): Value {
  if (by === 'or') {
    const [these, others] = [vector(left), vector(right)]
    const there = new Set(these.map(({ labels }) => keyOf(labels)))
    return [...these, ...others.filter(({ labels }) => !there.has(keyOf(labels)))]
  }
  if (typeof left === 'number' && typeof right === 'number' && by !== '>') return arithmetic[by](left, right)
  const other = (labels: Element['labels']): number | undefined =>
    typeof right === 'number' ? right : right.find((one) => keyOf(one.labels) === keyOf(labels))?.value
  if (typeof left === 'number') {
    if (by === '>') throw new RangeError('a number is compared with nothing here')
    return vector(right).map(({ labels, value }) => ({ labels, value: arithmetic[by](left, value) }))
  }
  return left.flatMap(({ labels, value }) => {
    const partner = other(labels)
    if (partner === undefined) return []
    if (by === '>') return value > partner ? [{ labels, value }] : []
    return [{ labels, value: arithmetic[by](value, partner) }]
  })
}

const vector = (value: Value): readonly Element[] => (typeof value === 'number' ? [{ labels: {}, value }] : value)
