/** A race: each protocol asks in turns, some calls at a time, so that other work on the machine meets all of them alike. */
import { readFile } from 'node:fs/promises'
import type { RaceAsked, RaceLane, RaceLine, RaceResult } from '../../race.ts'
import { raceLanes } from '../../race.ts'
import { limits } from './limits.ts'
import { processorTimeUs } from './processor-time.ts'
import type { Connection, Course } from './race-lanes.ts'
import { needsToken, planOf, quantile } from './race-plan.ts'
import type { Parts } from './route.ts'

/** Calls of a turn. */
const turnRuns = 5

interface Runner {
  readonly lane: RaceLane
  readonly runs: number
  readonly connection: Connection
  readonly connectMs: number
  readonly times: number[]
  failed: number
  kept: number
  cpuUs: number | undefined
}

/**
 * Runs it, and says how it goes.
 * @param parts the question is asked as Ada, whose order it is
 * @throws Unreachable while Ada can't sign in
 */
export async function* race(parts: Parts, asked: RaceAsked, signal: AbortSignal): AsyncGenerator<RaceLine> {
  const { question, id, runs } = asked
  const ada = parts.person('ada')
  const headers = await ada.authorization()
  const tls = await tlsOf(parts)
  const away: Partial<Record<RaceLane, 'no client' | 'no TLS' | 'failed'>> = { 'rest-3': 'no client' }
  if (tls === undefined) for (const lane of ['rest-1-tls', 'rest-2', 'grpc'] as const) away[lane] = 'no TLS'
  const there = new Set(Object.keys(away) as RaceLane[])
  const plan = planOf(question, runs, ada.requestsLeft, there)
  const course = (lane: RaceLane): Course => ({
    question,
    id,
    gateway: parts.gateway,
    tls,
    headers: needsToken(question, lane) ? headers : {},
  })
  const runners: Runner[] = []
  try {
    for (const lane of raceLanes.filter((one) => plan[one] > 0)) {
      const runner = await opened(lane, plan[lane], course(lane))
      if (runner === undefined) away[lane] = 'failed'
      else runners.push(runner)
    }
    yield { type: 'begin', runs: plan, away }
    const until = performance.now() + limits.raceMs
    const goes = () => !signal.aborted && performance.now() < until
    while (goes() && runners.some(isRunning))
      for (const runner of runners.filter(isRunning)) {
        if (!goes()) break
        await turn(runner, pidsOf(parts), goes)
        yield { type: 'lane', result: resultOf(runner) }
      }
    yield { type: 'end', cut: runners.some(isRunning) }
  } finally {
    for (const { connection } of runners) connection.close()
  }
}

const isRunning = ({ times, failed, runs }: Runner): boolean => times.length + failed < runs

/** Undefined when it can't be opened. */
async function opened(lane: RaceLane, runs: number, course: Course): Promise<Runner | undefined> {
  const { openLane } = await import('./race-lanes.ts')
  const began = performance.now()
  try {
    const connection = await openLane(lane, course)
    return { lane, runs, connection, connectMs: performance.now() - began, times: [], failed: 0, kept: 0, cpuUs: 0 }
  } catch {
    return undefined
  }
}

async function turn(runner: Runner, pids: readonly number[], goes: () => boolean): Promise<void> {
  const before = await processorTimeUs(pids)
  for (let run = 0; run < turnRuns && isRunning(runner) && goes(); run++) {
    const began = performance.now()
    try {
      const { kept } = await runner.connection.ask()
      runner.times.push(performance.now() - began)
      if (kept) runner.kept += 1
    } catch {
      runner.failed += 1
    }
  }
  const after = await processorTimeUs(pids)
  const known = before !== undefined && after !== undefined && runner.cpuUs !== undefined
  // A process that was restarted meanwhile begins at nothing.
  runner.cpuUs = known && after >= before ? (runner.cpuUs ?? 0) + after - before : undefined
}

function resultOf({ lane, times, failed, connection, connectMs, kept, cpuUs }: Runner): RaceResult {
  const calls = times.length + failed
  const { up, down } = connection.traffic()
  return {
    lane,
    runs: calls,
    failed,
    p50Ms: quantile(times, 0.5),
    p99Ms: quantile(times, 0.99),
    connectMs,
    bytesUp: Math.round(up / calls),
    bytesDown: Math.round(down / calls),
    ...(cpuUs === undefined ? {} : { cpuUs: Math.round(cpuUs / calls) }),
    kept,
  }
}

/** The gateway and the services: what works for an answer. */
const pidsOf = ({ supervisor }: Parts): number[] =>
  supervisor.instances.processes().flatMap(({ kind, pid }) => (kind === 'service' && pid !== undefined ? [pid] : []))

async function tlsOf({ supervisor, authority }: Parts): Promise<Course['tls']> {
  const port = supervisor.instances.processes().find(({ service, ports }) => service === 'gateway' && ports.https)
    ?.ports.https
  if (port === undefined || authority === undefined) return undefined
  const certificate = await readFile(authority).catch(() => undefined)
  return certificate && { port, authority: certificate }
}
