/** Some looks at pages, as a source of series: for whoever scrapes by itself for a while. */
import { labelsOfKey, readPage, withTarget } from './page.ts'
import { keyOf, type Labels, matches, type Series, type SeriesSource } from './series.ts'

/** All pages at one moment, each with the labels of who was asked. */
export type Look = {
  readonly atMs: number
  readonly pages: readonly { readonly target: Labels; readonly page: string }[]
}

type Growing = { labels: Labels; times: number[]; values: number[]; gaps: number[] }

/** The series in pages of metrics that were read at certain times. */
export function lookSource(looks: readonly Look[]): SeriesSource {
  const all = new Map<string, Growing>()
  for (const { atMs, pages } of looks) {
    for (const { target, page } of pages)
      readPage(page, (key, value) => {
        const own = labelsOfKey(key)
        if (own === undefined) return
        const labels = withTarget(own, target)
        const id = keyOf(labels)
        const series = all.get(id) ?? { labels, times: [], values: [], gaps: [] }
        series.times.push(atMs)
        series.values.push(value)
        all.set(id, series)
      })
    for (const series of all.values()) if (series.times.at(-1) !== atMs) series.gaps.push(atMs)
  }
  return {
    select(matchers, fromMs, toMs) {
      const tests = matchers.map((matcher) => [matcher.label, matches(matcher)] as const)
      return [...all.values()]
        .filter(({ labels }) => tests.every(([label, isSo]) => isSo(labels[label] ?? '')))
        .map((series) => within(series, fromMs, toMs))
        .filter(({ times }) => times.length > 0)
    },
  }
}

function within({ labels, times, values, gaps }: Series, fromMs: number, toMs: number): Series {
  const isIn = (atMs: number) => atMs >= fromMs && atMs <= toMs
  return {
    labels,
    times: times.filter(isIn),
    values: values.filter((_, n) => isIn(times[n] ?? 0)),
    gaps: gaps.filter(isIn),
  }
}
