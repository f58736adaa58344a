/** One load: a system of its own, its users, the load in a process of its own, a kill on wish, and what was measured. */
import { fork } from 'node:child_process'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { type AboutRun, aboutRun } from '@svyaz/checker/about-run.ts'
import { configure, signInForLong } from '@svyaz/checker/run.ts'
import type { LevelView, TelemetryReply } from '@svyaz/contracts/telemetry.ts'
import { ask, demand } from '@svyaz/observe/http.ts'
import { Person } from '@svyaz/observe/person.ts'
import { within } from '@svyaz/observe/until.ts'
import { type System, startSystem } from '@svyaz/system/testing'
import { type PhaseFigures, phasesOf, type StepFigures, stepsOf, type Window, windowsOf } from './figures.ts'
import type { LoadNews, LoadOrder } from './load-process.ts'
import type { Phase, ProfileName } from './profiles.ts'
import type { Row } from './traveller.ts'

export interface LoadPlan {
  readonly name: ProfileName
  readonly phases: readonly Phase[]
  readonly seed: number
  /** An instance that is killed -9 in the middle. */
  readonly kill: string | undefined
  readonly command: string
  readonly say: (line: string) => void
}

/** A series of one metric over the run, by service or group: mean and most of it. */
export interface Usage {
  readonly of: string
  readonly mean: number
  readonly most: number
}

export interface LoadRecord {
  readonly about: AboutRun
  readonly profile: ProfileName
  readonly windowSeconds: number
  readonly windows: readonly Window[]
  readonly steps: readonly StepFigures[]
  readonly phases: readonly PhaseFigures[]
  readonly kill: { readonly instance: string; readonly atSecond: number; readonly backMs: number | null } | null
  /** Processors, megabytes, records behind. */
  readonly cpu: readonly Usage[]
  readonly memory: readonly Usage[]
  readonly lag: readonly Usage[]
  readonly levels: readonly Pick<LevelView, 'id' | 'what' | 'objective' | 'verdict' | 'series' | 'samplesMin'>[]
  readonly good: boolean
  readonly verdict: string
}

const users = 20
const restock = 100_000
const productsUsed = 20
const killPatienceMs = 60_000
/** More than the two intervals of scraping that a rate takes. */
const scrapePatienceMs = 40_000

/** @throws RangeError when there is no such instance to kill; Error when the system doesn't start */
export async function runLoad(plan: LoadPlan): Promise<LoadRecord> {
  const { phases, say } = plan
  const seconds = phases.reduce((sum, phase) => sum + phase.seconds, 0)
  await using system = await startSystem({ readyTimeoutMs: 180_000 })
  if (plan.kill !== undefined && !system.instances().some(({ name }) => name === plan.kill))
    throw new RangeError(
      `there is no instance ${plan.kill}; ${system
        .instances()
        .map(({ name }) => name)
        .join(', ')}`,
    )
  say(`${system.instances().length} processes are ready; ${seconds} s of load, seed ${plan.seed}`)
  const order = { ...(await prepare(system)), phases, seed: plan.seed }
  const startedAt = Date.now()
  const killing = killInTheMiddle(system, plan, seconds)
  const rows = await loadFrom(order, say)
  const kill = await killing
  const measured = await measure(system, startedAt)
  const windowSeconds = Math.max(5, Math.ceil(seconds / 30))
  const figures = {
    windows: windowsOf(rows, windowSeconds),
    steps: stepsOf(rows, seconds),
    phases: phasesOf(rows, phases),
  }
  const judged = verdictOf(plan.name, figures.phases, figures.steps, measured.levels)
  return { about: aboutRun(plan.command), profile: plan.name, windowSeconds, ...figures, kill, ...measured, ...judged }
}

/** Users, stock enough for all, and no limits per user: one machine plays a crowd. */
async function prepare(system: System): Promise<Omit<LoadOrder, 'phases' | 'seed'>> {
  const base = system.url('gateway')
  const admin = await signInForLong(base)
  await configure(admin, 'gateway', { userRequestsPerMinute: 1_000_000, addressRequestsPerSecond: 100_000 })
  const persons: Person[] = []
  for (let n = 1; n <= users; n++) persons.push(await Person.register(base, `load-${n}`))
  const { body } = await demand(200, ask<{ id: string }[] | { items: { id: string }[] }>('GET', `${base}/products`))
  const products = (Array.isArray(body) ? body : body.items).map(({ id }) => id).slice(0, productsUsed)
  const items = products.map((productId) => ({ productId, quantity: restock }))
  await demand(200, admin.ask('POST', '/products/restock', { body: { items } }))
  return { base, products, users: persons.map(({ id, token }) => ({ id, token })) }
}

/** @returns every step of every journey */
async function loadFrom(order: LoadOrder, say: (line: string) => void): Promise<Row[]> {
  const child = fork(join(import.meta.dirname, 'load-process.ts'), { serialization: 'advanced', execArgv: [] })
  const rows: Row[] = []
  const ended = Promise.withResolvers<void>()
  let saidAt = 0
  child.on('message', (news: LoadNews) => {
    rows.push(...news.rows)
    const second = Math.floor(Math.max(0, ...news.rows.map(([, due]) => due)) / 1_000)
    if (second < saidAt + 10 && !news.over) return
    saidAt = second
    const bad = rows.filter(([, , , , good]) => !good).length
    say(`${String(second).padStart(5)} s  ${rows.length} steps, ${bad} of them not as they should be`)
  })
  child.once('error', ended.reject)
  child.once('exit', (code) => (code === 0 ? ended.resolve() : ended.reject(new Error(`the load ended with ${code}`))))
  child.send(order)
  try {
    await ended.promise
  } finally {
    child.kill('SIGKILL')
  }
  return rows
}

async function killInTheMiddle(system: System, { kill, say }: LoadPlan, seconds: number): Promise<LoadRecord['kill']> {
  if (kill === undefined) return null
  await delay(seconds * 500)
  const pidOf = () => system.instances().find(({ name }) => name === kill)
  const before = pidOf()?.pid
  const at = performance.now()
  await system.kill(kill)
  const back = await within(
    () => {
      const now = pidOf()
      return now?.status === 'ready' && now.pid !== before
    },
    killPatienceMs,
    20,
  )
  const backMs = back ? Math.round(performance.now() - at) : null
  say(`${kill} was killed, ${backMs === null ? 'and is not back' : `back after ${backMs} ms`}`)
  return { instance: kill, atSecond: seconds / 2, backMs }
}

async function measure(system: System, fromMs: number) {
  const telemetry = system.url('telemetry', 'otlp')
  const over = async (query: string): Promise<Usage[]> => {
    const range = new URLSearchParams({ query, from: String(fromMs), to: String(Date.now()), stepS: '10' })
    const { status, body } = await ask<TelemetryReply<'metricRange'>>(
      'GET',
      `${telemetry}/metrics/query-range?${range}`,
    )
    if (status !== 200) return []
    return body.series
      .map(({ labels, points }) => {
        const values = points.flatMap(([, value]) => (value === null ? [] : [value]))
        const mean = values.reduce((sum, value) => sum + value, 0) / Math.max(1, values.length)
        return { of: Object.values(labels).join(' ') || 'no service', mean, most: Math.max(0, ...values) }
      })
      .sort((a, b) => b.mean - a.mean)
  }
  const used = async () => ({
    cpu: await over('sum by (service) (rate(process_cpu_seconds_total[1m]))'),
    memory: await over('sum by (service) (process_resident_memory_bytes) / 1048576'),
  })
  let usage: Awaited<ReturnType<typeof used>> = { cpu: [], memory: [] }
  // A rate wants two scrapes of each process; after a short load the second may still be to come.
  await within(
    async () => {
      usage = await used()
      return usage.memory.length > 0 && usage.cpu.length === usage.memory.length
    },
    scrapePatienceMs,
    1_000,
  )
  const { body } = await ask<TelemetryReply<'levels'>>('GET', `${telemetry}/levels`, { timeoutMs: 30_000 })
  return {
    ...usage,
    lag: (await over('sum by (group, topic) (svyaz_consumer_lag)')).filter(({ most }) => most > 0),
    levels: body.levels.map(({ id, what, objective, verdict, series, samplesMin }) => ({
      id,
      what,
      objective,
      verdict,
      series,
      samplesMin,
    })),
  }
}

/** Under stress something is missed sooner or later: there the first phase counts. */
export function verdictOf(
  profile: ProfileName,
  phases: readonly PhaseFigures[],
  steps: readonly StepFigures[],
  levels: readonly Pick<LevelView, 'id' | 'verdict'>[],
): { readonly good: boolean; readonly verdict: string } {
  if (profile === 'stress') {
    const carried = phases.findLast((_one, index) => phases.slice(0, index + 1).every(({ carried: yes }) => yes))
    return carried === undefined
      ? { good: false, verdict: 'not even the first step was carried' }
      : { good: true, verdict: `carried up to ${carried.phase.perSecond} journeys a second` }
  }
  const count = steps.reduce((sum, step) => sum + step.count, 0)
  const errors = steps.reduce((sum, step) => sum + step.errors, 0)
  const skipped = phases.reduce((sum, phase) => sum + phase.skipped, 0)
  const missed = levels.filter(({ verdict }) => verdict === 'missed').map(({ id }) => id)
  const faults = [
    ...(count === 0 ? ['nothing was done'] : []),
    ...(errors > count / 100 ? [`${errors} errors in ${count} steps`] : []),
    ...(skipped > 0 ? [`${skipped} journeys were skipped`] : []),
    ...(missed.length > 0 ? [`missed: ${missed.join(', ')}`] : []),
  ]
  return { good: faults.length === 0, verdict: faults.length === 0 ? 'served' : faults.join('; ') }
}
