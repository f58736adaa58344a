/** The service levels judged over looks at the running system, each series by itself. Pure. */
import { judgeLevel, type ServiceLevel, type Verdict, withWindow } from '../../service-levels.ts'
import { type Element, evaluate } from './evaluate.ts'
import { readExpression } from './expression.ts'
import type { Scrape } from './scrape.ts'

export interface JudgedSeries {
  /** `orders`, `orders order-saga`: the labels that tell it from the others; empty where there is one. */
  readonly of: string
  readonly value: number | undefined
  readonly samples: number
  readonly verdict: Verdict
}

/** @throws SyntaxError for an expression that only Prometheus can read. */
export function judgeSeries(level: ServiceLevel, seen: readonly Scrape[]): JudgedSeries[] {
  const over = (expression: string) => evaluate(readExpression(withWindow(expression, level.window)), seen)
  const nameOf = ({ labels }: Element) => level.by.map((name) => labels[name] ?? '').join(' ')
  const values = new Map(over(level.expression).map((one) => [nameOf(one), one.value]))
  const samples = new Map(over(level.samples).map((one) => [nameOf(one), one.value]))
  return [...new Set([...values.keys(), ...samples.keys()])].sort().map((of) => ({
    of,
    value: values.get(of),
    samples: samples.get(of) ?? 0,
    verdict: judgeLevel(level, values.get(of), samples.get(of)),
  }))
}
