/** Figures of a soak: how fast orders were accepted in each window of time, and how memory moves with a process's age. Pure. */
import type { HistoryEntry } from '../history.ts'
import type { MemorySample } from '../memory.ts'
import { quantile } from '../quantile.ts'

export interface Window {
  readonly fromMinute: number
  /** Requests that were answered with 2xx, and those that were refused or not answered: asked again under their key. */
  readonly accepted: number
  readonly others: number
  readonly p50Ms: number
  readonly p99Ms: number
}

/** Times of `POST /orders`, each request apart, by when it was begun. */
export function windowsOf(history: readonly HistoryEntry[], windowMs: number): Window[] {
  const begun = new Map<string, number[]>()
  const windows = new Map<number, { times: number[]; others: number }>()
  for (const { f, type, process, key, tMono } of history) {
    if (f !== 'createOrder') continue
    const slot = `${process} ${key}`
    if (type === 'invoke') {
      begun.set(slot, [...(begun.get(slot) ?? []), tMono])
      continue
    }
    // Two of one slot at once answer in any order: which is which makes no difference to the sum of their times.
    const at = begun.get(slot)?.shift()
    if (at === undefined) continue
    const index = Math.floor(at / windowMs)
    const window = windows.get(index) ?? { times: [], others: 0 }
    windows.set(index, window)
    if (type === 'ok') window.times.push(tMono - at)
    else window.others += 1
  }
  return [...windows]
    .sort(([a], [b]) => a - b)
    .map(([index, { times, others }]) => ({
      fromMinute: (index * windowMs) / 60_000,
      accepted: times.length,
      others,
      p50Ms: quantile(times, 0.5),
      p99Ms: quantile(times, 0.99),
    }))
}

export interface Growth {
  readonly process: string
  readonly lives: number
  readonly samples: number
  readonly firstMb: number
  readonly lastMb: number
  readonly maxMb: number
  /**
   * Theil–Sen: the median of the slopes between any two samples of one life, samples of its first minute left out.
   * NaN when no life lasted for two of them.
   */
  readonly mbPerHour: number
  /** Median of each age, so that lives of different lengths can be compared: minutes of age, megabytes. */
  readonly byAge: readonly { readonly minutes: number; readonly mb: number; readonly samples: number }[]
}

/** A process that has just started isn't what it will be: caches fill, code is compiled. */
const warmUpMs = 60_000
const ageStepMs = 60_000

/** Of each process, in the order of their names. */
export function growthOf(samples: readonly MemorySample[]): Growth[] {
  return [...Map.groupBy(samples, ({ process }) => process)]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([process, own]) => {
      const lives = [...Map.groupBy(own, ({ pid }) => pid).values()]
      const slopes = lives.flatMap((life) => slopesWithin(life.filter(({ ageMs }) => ageMs >= warmUpMs)))
      const ages = Map.groupBy(own, ({ ageMs }) => Math.floor(ageMs / ageStepMs))
      const mb = own.map(({ pssBytes }) => megabytes(pssBytes))
      return {
        process,
        lives: lives.length,
        samples: own.length,
        firstMb: mb[0] ?? Number.NaN,
        lastMb: mb.at(-1) ?? Number.NaN,
        maxMb: Math.max(...mb),
        mbPerHour: slopes.length === 0 ? Number.NaN : round(median(slopes)),
        byAge: [...ages]
          .sort(([a], [b]) => a - b)
          .map(([minutes, list]) => ({
            minutes,
            mb: round(median(list.map(({ pssBytes }) => megabytes(pssBytes)))),
            samples: list.length,
          })),
      }
    })
}

function slopesWithin(life: readonly MemorySample[]): number[] {
  return life.flatMap((first, index) =>
    life
      .slice(index + 1)
      .filter(({ atMs }) => atMs > first.atMs)
      .map(({ atMs, pssBytes }) => ((pssBytes - first.pssBytes) / 1024 ** 2 / (atMs - first.atMs)) * 3_600_000),
  )
}

const median = (values: readonly number[]): number => quantile(values, 0.5)
const megabytes = (bytes: number): number => round(bytes / 1024 ** 2)
const round = (value: number): number => Math.round(value * 10) / 10
