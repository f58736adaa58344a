/**
 * What the process itself gives the kit: its environment, and being told to stop. The only file that reads `process`.
 *
 * Read in this order: process.ts, environment.ts, settings.ts; seen from outside: management.ts, metrics.ts,
 * loop-lag.ts, logs.ts, secrets.ts, log-output.ts; time: clock.ts, clock-skew.ts, waiting.ts, wakes.ts; work: workers.ts,
 * poll-loop.ts, together.ts, handler-slots.ts; seams of the checker: crash-points.ts, sabotage.ts.
 */
import { z } from 'zod'
import { type KitEnvironment, kitEnvironment, messagesFaults, shapeEnvironment } from './environment.ts'

export interface ProcessEnvironment {
  kit: KitEnvironment
  own: Readonly<Record<string, unknown>>
}

/** The validated environment, or every fault of it at once. */
export const readEnvironment = (
  raw: Readonly<Record<string, string | undefined>>,
  own: z.ZodObject | undefined,
): ProcessEnvironment | { faults: readonly string[] } => {
  const given = Object.fromEntries(Object.entries(raw).filter(([, value]) => value !== undefined && value !== ''))
  const kit = kitEnvironment.safeParse(given)
  const extra = (own ?? z.object({})).safeParse(given)
  const issues = [kit, extra].flatMap((result) => (result.success ? [] : result.error.issues))
  const faults = [...issues.map(({ path, message }) => `${path.join('.')}: ${message}`), ...messagesFaults(given)]
  if (!kit.success || !extra.success || faults.length > 0) return { faults }
  return { kit: shapeEnvironment(kit.data), own: Object.freeze(extra.data) }
}

/** A second signal later than this ends the process at once (rule 14); sooner, it is the same key press. */
const impatientAfterMs = 1_000

/**
 * Calls `stop` once, at SIGTERM, SIGINT or the end of stdin (the supervisor's pipe closed: it is gone). A second
 * signal more than a second later exits at once.
 */
export const onStopRequest = (stop: (reason: string) => void): void => {
  let firstAt: number | undefined
  const request = (reason: string) => {
    if (firstAt === undefined) {
      firstAt = performance.now()
      stop(reason)
    } else if (performance.now() - firstAt > impatientAfterMs) process.exit(1)
  }
  process.on('SIGTERM', () => request('SIGTERM'))
  process.on('SIGINT', () => request('SIGINT'))
  if (process.env.SVYAZ_STOP_ON_STDIN_END === '1') {
    process.stdin.on('end', () => request('end of stdin')).on('error', () => request('stdin broke'))
    process.stdin.resume()
  }
}

/** Kills this very process as a power cut would, when the named point has been passed the wanted number of times. */
export const createCrashPoints = (wanted: string, kill: () => void): ((name: string) => void) => {
  if (wanted === '') return () => undefined
  const left = new Map(
    wanted.split(',').map((entry) => {
      const [name, times] = entry.split(':')
      return [name!, Number(times ?? 1)]
    }),
  )
  return (name) => {
    const remaining = left.get(name)
    if (remaining === undefined) return
    left.set(name, remaining - 1)
    if (remaining === 1) kill()
  }
}
