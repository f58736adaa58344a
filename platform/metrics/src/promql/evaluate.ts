/**
 * What an expression comes to, at one moment or step by step over a range, as Prometheus 3 has it (range selectors don't
 * include their left edge; before 3 they did). Pure: samples come from a source that is asked once a selector.
 */
import { keyOf, type Labels, type Series, type SeriesSource } from '../series.ts'
import { aggregate } from './aggregate.ts'
import { type Expression, PromqlError, type Selector, type Subquery, TooManySamples } from './expression.ts'
import { valueFunctions } from './functions.ts'
import { histogramQuantile } from './histogram.ts'
import { labelReplace } from './label-replace.ts'
import { combine } from './pair.ts'
import { rangeFunctions, type Window } from './range-functions.ts'
import { type Element, nameless, only, scalar, type Value, vector } from './vector.ts'

/** A sample is good for this long, unless its series is known to be over. */
const lookBackMs = 300_000
/** Of a subquery that doesn't say. */
const subqueryStepMs = 15_000
const stepsMax = 11_000
/** Of one subquery: a day second by second. */
const subqueryStepsMax = 100_000
/** Samples looked at for one answer. */
const workMax = 20_000_000
/** What looking at a part of the expression once costs beside the samples: about as much as these. */
const workPerPart = 10
/** Samples held for one answer: 16 bytes each, and as much again while they are collected. */
export const samplesMax = 2_000_000

export type RangeSeries = { readonly labels: Labels; readonly points: (readonly [atMs: number, value: number])[] }

/** @throws PromqlError for what can't be computed */
export function evaluate(expression: Expression, source: SeriesSource, atMs: number): Value {
  return new Evaluation(source).load(expression, atMs, atMs).at(expression, atMs)
}

/** @throws PromqlError for what can't be computed, and above 11,000 steps */
export function evaluateRange(
  expression: Expression,
  source: SeriesSource,
  fromMs: number,
  toMs: number,
  stepMs: number,
): RangeSeries[] {
  const steps = Math.floor((toMs - fromMs) / stepMs)
  if (!(steps < stepsMax)) throw new PromqlError(`a range may have ${stepsMax} steps`)
  const evaluation = new Evaluation(source).load(expression, fromMs, toMs)
  const found = new Map<string, RangeSeries>()
  // Counted, because at a time that is far enough away a step more is the same number.
  for (let n = 0; n <= steps; n += 1) {
    const atMs = fromMs + n * stepMs
    for (const { labels, value } of elementsOf(evaluation.at(expression, atMs))) {
      const key = keyOf(labels)
      const series = found.get(key) ?? { labels, points: [] }
      series.points.push([atMs, value])
      found.set(key, series)
    }
  }
  return [...found.values()]
}

function elementsOf(value: Value): readonly Element[] {
  if (value.kind === 'string') throw new PromqlError('a string has no range')
  return value.kind === 'scalar' ? [{ labels: {}, value: value.value }] : value.elements
}

class Evaluation {
  readonly #source: SeriesSource
  readonly #loaded = new Map<Selector, readonly Series[]>()
  #work = 0
  #samples = 0

  constructor(source: SeriesSource) {
    this.#source = source
  }

  /** Fetches what the expression will need between the two moments. */
  load(expression: Expression, fromMs: number, toMs: number): this {
    switch (expression.kind) {
      case 'selector': {
        const { offsetMs, rangeMs = lookBackMs, matchers } = expression
        this.#keep(expression, this.#source.select(matchers, fromMs - offsetMs - rangeMs, toMs - offsetMs, samplesMax))
        break
      }
      case 'subquery': {
        const { of, offsetMs, rangeMs } = expression
        this.load(of, fromMs - offsetMs - rangeMs, toMs - offsetMs)
        break
      }
      default:
        for (const child of childrenOf(expression)) this.load(child, fromMs, toMs)
    }
    return this
  }

  #keep(selector: Selector, found: readonly Series[]): void {
    this.#samples += found.reduce((sum, { times }) => sum + times.length, 0)
    if (this.#samples > samplesMax) throw new TooManySamples()
    this.#loaded.set(selector, found)
  }

  at(expression: Expression, atMs: number): Value {
    this.#spend(workPerPart)
    switch (expression.kind) {
      case 'number':
        return scalar(expression.value)
      case 'string':
        return expression
      case 'selector':
        return vector(this.#instant(expression, atMs))
      case 'subquery':
        throw new PromqlError('a range is only an argument of a function')
      case 'negative': {
        const value = this.at(expression.of, atMs)
        if (value.kind === 'scalar') return scalar(-value.value)
        return vector(mapped(elementsOf(value), (one) => -one))
      }
      case 'aggregate': {
        const parameter = expression.parameter === undefined ? Number.NaN : this.#number(expression.parameter, atMs)
        return vector(aggregate(expression.by, parameter, this.#elements(expression.of, atMs), expression))
      }
      case 'pair':
        return combine(expression, this.at(expression.left, atMs), this.at(expression.right, atMs))
      case 'call':
        return this.#call(expression.name, expression.args, atMs)
    }
  }

  #call(name: string, args: readonly Expression[], atMs: number): Value {
    const overRange = rangeFunctions[name]
    if (overRange !== undefined) return vector(this.#overRange(name, args, atMs))
    const ofValue = valueFunctions[name]
    const vectorAt = (n: number) => this.#elements(args[n] as Expression, atMs)
    const numberAt = (n: number) => this.#number(args[n] as Expression, atMs)
    if (ofValue !== undefined) return vector(mapped(vectorAt(0), ofValue))
    switch (name) {
      case 'time':
        return scalar(atMs / 1_000)
      case 'vector':
        return vector([{ labels: {}, value: numberAt(0) }])
      case 'scalar': {
        const elements = vectorAt(0)
        return scalar(elements.length === 1 ? (elements[0]?.value ?? Number.NaN) : Number.NaN)
      }
      case 'clamp_min':
        return vector(clamped(vectorAt(0), numberAt(1), Number.POSITIVE_INFINITY))
      case 'clamp_max':
        return vector(clamped(vectorAt(0), Number.NEGATIVE_INFINITY, numberAt(1)))
      case 'clamp':
        return vector(clamped(vectorAt(0), numberAt(1), numberAt(2)))
      case 'round': {
        const to = args.length > 1 ? numberAt(1) : 1
        return vector(mapped(vectorAt(0), (value) => Math.floor(value / to + 0.5) * to))
      }
      case 'timestamp':
        return vector(this.#timestamps(args[0] as Expression, atMs))
      case 'absent':
        return vector(vectorAt(0).length > 0 ? [] : [{ labels: wantedLabels(args[0] as Expression), value: 1 }])
      case 'sort':
        return vector(vectorAt(0).toSorted((a, b) => a.value - b.value))
      case 'sort_desc':
        return vector(vectorAt(0).toSorted((a, b) => b.value - a.value))
      case 'histogram_quantile':
        return vector(histogramQuantile(numberAt(0), vectorAt(1)))
      default:
        return vector(labelReplace(vectorAt(0), args.slice(1).map(textOf)))
    }
  }

  #elements(expression: Expression, atMs: number): readonly Element[] {
    const value = this.at(expression, atMs)
    if (value.kind !== 'vector') throw new PromqlError('a vector is needed here')
    return value.elements
  }

  #number(expression: Expression, atMs: number): number {
    const value = this.at(expression, atMs)
    if (value.kind !== 'scalar') throw new PromqlError('a number is needed here')
    return value.value
  }

  #spend(samples: number): void {
    this.#work += samples
    if (this.#work > workMax) throw new TooManySamples()
  }

  #instant(selector: Selector, atMs: number): Element[] {
    if (selector.rangeMs !== undefined) throw new PromqlError('a range is only an argument of a function')
    const found: Element[] = []
    for (const series of this.#loaded.get(selector) ?? []) {
      const at = lastAt(series, atMs - selector.offsetMs)
      if (at !== undefined) found.push({ labels: series.labels, value: series.values[at] ?? Number.NaN })
    }
    this.#spend(found.length + 1)
    return found
  }

  #timestamps(expression: Expression, atMs: number): Element[] {
    if (expression.kind !== 'selector') return mapped(this.#elements(expression, atMs), () => atMs / 1_000)
    return (this.#loaded.get(expression) ?? []).flatMap((series) => {
      const at = lastAt(series, atMs - expression.offsetMs)
      return at === undefined ? [] : [{ labels: nameless(series.labels), value: (series.times[at] ?? 0) / 1_000 }]
    })
  }

  #overRange(name: string, args: readonly Expression[], atMs: number): Element[] {
    const isRange = (arg: Expression): arg is Selector | Subquery =>
      arg.kind === 'subquery' || (arg.kind === 'selector' && arg.rangeMs !== undefined)
    const range = args.find(isRange)
    const other = args.find((arg) => !isRange(arg))
    if (range === undefined) throw new PromqlError(`${name} needs a range`)
    const parameter = other === undefined ? Number.NaN : this.#number(other, atMs)
    const toMs = atMs - range.offsetMs
    const fromMs = toMs - (range.rangeMs ?? 0)
    const series = range.kind === 'subquery' ? this.#steps(range, fromMs, toMs) : (this.#loaded.get(range) ?? [])
    return series.flatMap(({ labels, times, values }) => {
      const window = windowOf(times, values, fromMs, toMs)
      this.#spend(window.times.length + 1)
      const value = window.times.length === 0 ? undefined : rangeFunctions[name]?.(window, parameter)
      if (value === undefined) return []
      return [{ labels: name === 'last_over_time' ? labels : nameless(labels), value }]
    })
  }

  /** A subquery's samples: at whole multiples of its step. */
  #steps({ of, stepMs = subqueryStepMs }: Subquery, fromMs: number, toMs: number): Series[] {
    const before = Math.floor(Math.max(fromMs, this.#firstSampleMs(of) - 1) / stepMs)
    const steps = Math.floor(toMs / stepMs) - before
    if (steps > subqueryStepsMax) throw new PromqlError(`a subquery may have ${subqueryStepsMax} steps`)
    const found = new Map<string, { labels: Labels; times: number[]; values: number[]; gaps: number[] }>()
    for (let n = 1; n <= steps; n += 1) {
      const atMs = (before + n) * stepMs
      for (const { labels, value } of elementsOf(this.at(of, atMs))) {
        const key = keyOf(labels)
        const series = found.get(key) ?? { labels, times: [], values: [], gaps: [] }
        series.times.push(atMs)
        series.values.push(value)
        found.set(key, series)
      }
    }
    return [...found.values()]
  }

  /** Before it the expression has no value; -Infinity where it has one without samples. */
  #firstSampleMs(expression: Expression): number {
    switch (expression.kind) {
      case 'selector': {
        const firsts = (this.#loaded.get(expression) ?? []).map(({ times }) => times[0] ?? Number.POSITIVE_INFINITY)
        return firsts.reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY) + expression.offsetMs
      }
      case 'aggregate':
        return this.#firstSampleMs(expression.of)
      default:
        return Number.NEGATIVE_INFINITY
    }
  }
}

function childrenOf(expression: Expression): readonly Expression[] {
  switch (expression.kind) {
    case 'negative':
      return [expression.of]
    case 'call':
      return expression.args
    case 'aggregate':
      return expression.parameter === undefined ? [expression.of] : [expression.of, expression.parameter]
    case 'pair':
      return [expression.left, expression.right]
    default:
      return []
  }
}

/** Index of the first time beyond `atMs`. */
function behind(times: readonly number[], atMs: number): number {
  let [low, high] = [0, times.length]
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((times[middle] ?? 0) <= atMs) low = middle + 1
    else high = middle
  }
  return low
}

/** The sample that holds at a moment. */
function lastAt({ times, gaps }: Series, atMs: number): number | undefined {
  const at = behind(times, atMs) - 1
  const time = times[at]
  if (time === undefined || time <= atMs - lookBackMs) return undefined
  const gap = gaps[behind(gaps, atMs) - 1]
  return gap !== undefined && gap > time ? undefined : at
}

function windowOf(times: readonly number[], values: readonly number[], fromMs: number, toMs: number): Window {
  const [from, to] = [behind(times, fromMs), behind(times, toMs)]
  return { times: times.slice(from, to), values: values.slice(from, to), fromMs, toMs }
}

const mapped = (elements: readonly Element[], change: (value: number) => number): Element[] =>
  elements.map(({ labels, value }) => ({ labels: nameless(labels), value: change(value) }))

const clamped = (elements: readonly Element[], least: number, most: number): Element[] =>
  mapped(elements, (value) => Math.max(least, Math.min(most, value)))

/** The labels that `absent` can name: those that the selector wants to be equal to something. */
function wantedLabels(expression: Expression): Labels {
  if (expression.kind !== 'selector') return {}
  const wanted = expression.matchers.filter(({ by, label }) => by === '=' && label !== '__name__')
  return only(
    Object.fromEntries(wanted.map(({ label, value }) => [label, value])),
    wanted.map(({ label }) => label),
  )
}

function textOf(expression: Expression): string {
  if (expression.kind !== 'string') throw new PromqlError('a string is needed here')
  return expression.value
}
