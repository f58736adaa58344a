/** Goes through one scenario as one user does, and notes how each step went. */
import { randomUUID } from 'node:crypto'
import type { Random } from '@svyaz/checker/random.ts'
import type { Feed } from '@svyaz/observe/feed.ts'
import { ask } from '@svyaz/observe/http.ts'
import { until } from '@svyaz/observe/until.ts'
import type { Scenario, Step } from './scenarios.ts'

/** One step: when it was due and how long it took, milliseconds; status 0: no answer, -1: not begun, too many under way. */
export type Row = readonly [step: string, dueMs: number, tookMs: number, status: number, good: boolean]

export interface Traveller {
  readonly id: string
  readonly token: string
  readonly feed: Feed
}

export interface Journey {
  readonly base: string
  readonly traveller: Traveller
  readonly products: readonly string[]
  readonly random: Random
  /** Milliseconds since the start of the load. */
  readonly now: () => number
  readonly pause: (ms: number) => Promise<unknown>
  readonly note: (row: Row) => void
}

const answerWithinMs = 15_000
const frameWithinMs = 30_000

/** @param dueMs when it was to begin: a step that had to wait is timed from then */
export async function travel({ steps, frame }: Scenario, dueMs: number, journey: Journey): Promise<void> {
  const { pause, now, note, traveller } = journey
  const kept = new Map<string, string>([
    ['product', journey.random.pick(journey.products)],
    ['key', randomUUID()],
  ])
  let due = dueMs
  for (const step of steps) {
    if (step.afterMs !== undefined) {
      await pause(step.afterMs)
      due = now()
    }
    if (!(await take(step, due, kept, journey))) return
    due = now()
  }
  if (frame === undefined) return
  const order = kept.get('order')
  const came = await until(
    'the frame',
    () => traveller.feed.frames.some(({ kind, orderId }) => kind === frame && orderId === order),
    { timeoutMs: frameWithinMs, everyMs: 20 },
  ).then(
    () => true,
    () => false,
  )
  note([`frame ${frame}`, due, now() - due, came ? 200 : 0, came])
}

async function take(step: Step, due: number, kept: Map<string, string>, journey: Journey): Promise<boolean> {
  const { base, traveller, now, note } = journey
  const filled = <T>(value: T): T =>
    JSON.parse(JSON.stringify(value).replace(/\{(\w+)\}/g, (whole, name: string) => kept.get(name) ?? whole)) as T
  const answer = await ask(step.method, `${base}${filled(step.path)}`, {
    timeoutMs: step.until === undefined ? answerWithinMs : frameWithinMs,
    ...(step.body === undefined ? {} : { body: filled(step.body) }),
    ...(step.headers === undefined ? {} : { headers: filled(step.headers) }),
    ...(step.signedIn ? { token: traveller.token } : {}),
  }).catch(() => undefined)
  const ended = step.until === undefined || String(answer?.body).includes(`"${step.until}"`)
  const good = answer !== undefined && step.statuses.includes(answer.status) && ended
  note([step.name, due, now() - due, answer?.status ?? 0, good])
  if (!good) return false
  for (const [name, field] of Object.entries(step.keep ?? {})) kept.set(name, String(answer.body[field]))
  return true
}
