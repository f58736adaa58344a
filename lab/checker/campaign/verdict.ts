/** What a campaign leaves, and whether the system bore it. Pure. */
import type { AboutRun } from '../about-run.ts'
import { quantile } from '../quantile.ts'

/** One request of the ordinary user: its answer, or none. */
export interface Asked {
  readonly what: 'products' | 'login' | 'order'
  readonly status: number | undefined
  readonly retryAfter: boolean
  readonly ms: number
}

export interface CampaignRecord {
  readonly about: AboutRun
  readonly seed: number
  readonly minutes: number
  /** How often each kind of attack was carried out. */
  readonly attacks: Readonly<Record<string, number>>
  /** Process id and restarts of each instance. */
  readonly before: Readonly<Record<string, string>>
  readonly after: Readonly<Record<string, string>>
  readonly asked: Readonly<Record<Asked['what'], AskedSummary>>
  /** Accepted orders that were not completed at the end. */
  readonly unfinished: readonly string[]
  /** Megabytes (PSS) by process: before, when the attacks ended, and when the system had its rest. */
  readonly memoryMb: {
    readonly before: Readonly<Record<string, number>>
    readonly atEnd: Readonly<Record<string, number>>
    readonly afterRest: Readonly<Record<string, number>>
    readonly restSeconds: number
  }
}

export interface AskedSummary {
  readonly count: number
  readonly good: number
  /** 429 or 503 with Retry-After. */
  readonly refused: number
  /** Anything else, by status; `none`: no answer. */
  readonly wrong: Readonly<Record<string, number>>
  /** Of good answers, milliseconds from when the request was due. */
  readonly p50Ms: number
  readonly p99Ms: number
  readonly maxMs: number
}

const goodStatus: Readonly<Record<Asked['what'], number>> = { products: 200, login: 200, order: 201 }

/** How often each answer came, and how long the good ones took, in ms. Pure. */
export function summarize(what: Asked['what'], all: readonly Asked[]): AskedSummary {
  const own = all.filter((asked) => asked.what === what)
  const good = own.filter(({ status }) => status === goodStatus[what])
  const refused = own.filter(({ status, retryAfter }) => retryAfter && (status === 429 || status === 503))
  const wrong: Record<string, number> = {}
  for (const asked of own) {
    if (good.includes(asked) || refused.includes(asked)) continue
    const name = String(asked.status ?? 'none')
    wrong[name] = (wrong[name] ?? 0) + 1
  }
  const times = good.map(({ ms }) => ms)
  return {
    count: own.length,
    good: good.length,
    refused: refused.length,
    wrong,
    p50Ms: Math.round(quantile(times, 0.5)),
    p99Ms: Math.round(quantile(times, 0.99)),
    maxMs: Math.round(quantile(times, 1)),
  }
}

/** Reading the catalogue stays below this for 99 of 100, whatever others do. */
export const productsP99MsMax = 1_000
/** A process may keep so much more than it had: caches fill, V8 gives back late. */
export const memoryGrowthMax = { share: 0.5, mb: 30 } as const
/** A user who is nearly always refused isn't served. */
const goodShareMin = 0.5

/** @returns what the system didn't bear, one sentence each; empty: it did */
export function faultsIn(record: CampaignRecord): string[] {
  const faults: string[] = []
  for (const [name, identity] of Object.entries(record.before))
    if (record.after[name] !== identity) faults.push(`${name} was ${identity}, now ${record.after[name] ?? 'gone'}`)
  for (const [what, { count, good, wrong }] of Object.entries(record.asked)) {
    const list = Object.entries(wrong).map(([status, times]) => `${times} × ${status}`)
    if (list.length > 0)
      faults.push(`${what}: neither done nor refused with 429 or 503 and Retry-After: ${list.join(', ')}`)
    if (count === 0) faults.push(`${what}: the ordinary user never asked`)
    else if (good < count * goodShareMin) faults.push(`${what}: only ${good} of ${count} were done`)
  }
  const { p99Ms } = record.asked.products
  if (!(p99Ms < productsP99MsMax)) faults.push(`GET /products: p99 ${p99Ms} ms, not below ${productsP99MsMax} ms`)
  for (const order of record.unfinished) faults.push(`order ${order} was accepted and is not completed`)
  for (const [name, mb] of Object.entries(record.memoryMb.afterRest)) {
    const before = record.memoryMb.before[name] ?? mb
    const allowed = before + Math.max(memoryGrowthMax.mb, before * memoryGrowthMax.share)
    if (mb > allowed) faults.push(`${name} holds ${mb} MB after its rest, ${before} MB before`)
  }
  for (const [name, times] of Object.entries(record.attacks))
    if (times === 0) faults.push(`the campaign proves nothing: no ${name} was carried out`)
  return faults
}
