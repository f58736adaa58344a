/**
 * The story of an order as rows of a sequence diagram. Pure: (order, aways, processes, now) → rows. What orders says
 * of itself (the story) is there at once; what the trace adds (who took an event, how long it took) comes a moment later
 * and takes the place of the story's step about the same event.
 */

import type { StoryEntry } from '@svyaz/contracts/http/order-story.ts'
import { isFinal } from '@svyaz/contracts/http/order-terms.ts'
import type { Away, CallHop, EventHop, Hop, Outage, Process, Statements, TrackedOrder } from '../../../../protocol.ts'

/** Left to right. `topics` is the broker, `screen` what the user gets: frames and mails. */
export const lanes = [
  'user',
  'gateway',
  'orders',
  'users',
  'inventory',
  'topics',
  'payments',
  'payment-processor',
  'delivery',
  'notifications',
  'screen',
] as const
export type Lane = (typeof lanes)[number]

export interface CallRow {
  readonly kind: 'call'
  readonly key: string
  readonly atMs: number
  readonly from: Lane
  readonly to: Lane
  readonly protocol: CallHop['protocol']
  readonly name: string
  readonly durationMs: number
  readonly status?: string
  /** The last word of it when it failed. */
  readonly error?: string
  /** More than 1: tried again at once, all failed alike. */
  readonly tries: number
  readonly fromInstance: string
  readonly toInstance?: string
  readonly sql?: Statements
}

export interface Taker {
  readonly lane: Lane
  readonly instance: string
  /** After the event was sent. */
  readonly afterMs: number
  readonly durationMs: number
  readonly attempt: number
  readonly deduplicated: boolean
  readonly error?: string
  readonly sql?: Statements
}

export interface EventRow {
  readonly kind: 'event'
  readonly key: string
  readonly atMs: number
  readonly from: Lane
  readonly fromInstance: string
  readonly topic: string
  readonly type: string
  /** A task: one worker takes it. */
  readonly task: boolean
  readonly takers: readonly Taker[]
  /** What the user got of it. */
  readonly frame: boolean
  readonly mail: boolean
  /** The order's status from here on, when this changed it. */
  readonly status?: string
  readonly partition?: string
  readonly offset?: number
  readonly durationMs: number
}

/** Something that only orders reports: no trace of it (yet). */
export interface StepRow {
  readonly kind: 'step'
  readonly key: string
  readonly atMs: number
  readonly lane: Lane
  readonly via: string
  readonly entry: StoryEntry
  readonly status?: string
}

/** The last ready instance of a service went away, or the first one came back. */
export interface OutageRow {
  readonly kind: 'down' | 'back'
  readonly key: string
  readonly atMs: number
  readonly service: string
  readonly instances: readonly string[]
  readonly cause: Outage['cause']
  /** Of `back`: how long it was away. Of `down` at the very top: how long already, when the order came. */
  readonly lastedMs?: number
}

/** Nothing happened for a while, and why. */
export interface WaitRow {
  readonly kind: 'wait'
  readonly key: string
  readonly atMs: number
  readonly untilMs: number
  /** The status that the order had: says what it waited for. */
  readonly status: string
  readonly service: string
  /** No instance of the service was there for some of the time. */
  readonly down: boolean
  /** It waits still. */
  readonly live: boolean
}

export type Row = CallRow | EventRow | StepRow | OutageRow | WaitRow

/** A stretch of a lane's life without any instance. */
export interface Downtime {
  readonly lane: Lane
  readonly fromKey: string
  /** Absent while it lasts. */
  readonly untilKey?: string
}

export interface Diagram {
  readonly startedAtMs: number
  /** Of the last thing that happened. */
  readonly endedAtMs: number
  readonly rows: readonly Row[]
  readonly downtimes: readonly Downtime[]
  /** Services that were away while the order was under way, longest first. */
  readonly survived: readonly { readonly service: string; readonly ms: number; readonly cause: Outage['cause'] }[]
  /** True until the trace has come: the rows are by the story alone. */
  readonly storyOnly: boolean
}

/** Shorter silences are not worth a row. */
const waitMsMin = 350
/** What an order in a status waits for. */
const waitsFor: Readonly<Record<string, string>> = {
  pending: 'inventory',
  processing: 'payments',
  paid: 'delivery',
  shipped: 'delivery',
  cancelling: 'payments',
}

/** @param nowMs the server's clock; matters only while the order is under way */
export function diagramOf(
  { order, story, trace }: TrackedOrder,
  aways: readonly Away[],
  processes: readonly Process[],
  nowMs: number,
): Diagram {
  const acceptedAtMs = Date.parse(order.createdAt)
  const hops = trace?.hops ?? []
  const startedAtMs = Math.min(acceptedAtMs, hops[0]?.atMs ?? acceptedAtMs)
  const told = [...rowsOfHops(hops), ...rowsOfSteps(story?.steps ?? [], hops)].sort(byTime)
  const done = isFinal(order.status)
  const lastMs = told.at(-1)?.atMs ?? startedAtMs
  const untilMs = done ? lastMs : Math.max(nowMs, lastMs)
  const ups = rowsOfAways(aways, startedAtMs, untilMs)
  const rows = withWaits([...ups, ...told].sort(byTime), { status: order.status, done, nowMs, ups, processes })
  return {
    startedAtMs,
    endedAtMs: Math.max(lastMs, ...rows.map(({ atMs }) => atMs)),
    rows,
    downtimes: downtimesOf(ups),
    survived: survivedOf(ups, untilMs),
    storyOnly: hops.length === 0,
  }
}

const byTime = (a: { atMs: number }, b: { atMs: number }): number => a.atMs - b.atMs

const laneOf = (service: string): Lane =>
  (lanes as readonly string[]).includes(service) ? (service as Lane) : service === 'mail-sink' ? 'screen' : 'orders'

// ---------------------------------------------------------------- what the trace tells

function rowsOfHops(hops: readonly Hop[]): Row[] {
  const framed = new Set(hops.flatMap((hop) => (hop.kind === 'frame' && hop.cause !== undefined ? [hop.cause] : [])))
  const mailed = new Set(hops.flatMap((hop) => (isMail(hop) && hop.error === undefined ? [hop.cause] : [])))
  const rows: Row[] = []
  for (const hop of hops) {
    if (hop.kind === 'call') {
      if (!isNoise(hop)) addCall(rows, hop)
    } else if (hop.kind === 'event' && !isNoise(hop))
      rows.push(eventRow(hop, framed.has(hop.eventId), mailed.has(hop.eventId)))
  }
  return rows
}

const isMail = (hop: Hop): boolean => hop.kind === 'call' && hop.protocol === 'smtp'

/** That a frame or a mail went out is shown where it went out; who wanted to know the address is left to the trace. */
function isNoise(hop: CallHop | EventHop): boolean {
  if (hop.kind === 'event') return hop.topic === 'notifications.events' || hop.type === 'stock.changed'
  return isMail(hop) || (hop.from === 'notifications' && hop.to === 'users')
}

function addCall(rows: Row[], hop: CallHop): void {
  const { key, atMs, protocol, name, durationMs, fromInstance } = hop
  const before = rows.at(-1)
  const same = before?.kind === 'call' && before.from === hop.from && before.to === hop.to && before.name === name
  // Tried again at once: one row, that of the last try, from the first one on.
  const retry = same && before.error !== undefined && atMs - before.atMs - before.durationMs < waitMsMin
  const row: CallRow = {
    kind: 'call',
    key: retry ? before.key : key,
    atMs: retry ? before.atMs : atMs,
    from: laneOf(hop.from),
    to: laneOf(hop.to),
    protocol,
    name,
    durationMs: retry ? atMs + durationMs - before.atMs : durationMs,
    tries: retry ? before.tries + 1 : 1,
    fromInstance,
    ...(hop.toInstance === undefined ? {} : { toInstance: hop.toInstance }),
    ...(hop.status === undefined ? {} : { status: hop.status }),
    ...(hop.error === undefined ? {} : { error: hop.error }),
    ...(hop.sql === undefined ? {} : { sql: hop.sql }),
  }
  if (retry) rows[rows.length - 1] = row
  else rows.push(row)
}

function eventRow(hop: EventHop, frame: boolean, mail: boolean): EventRow {
  const status = /^order\.(\w+)$/.exec(hop.type)?.[1]
  return {
    kind: 'event',
    key: hop.eventId,
    atMs: hop.atMs,
    durationMs: hop.durationMs,
    from: laneOf(hop.from),
    fromInstance: hop.fromInstance,
    topic: hop.topic,
    type: hop.type,
    task: hop.topic.endsWith('.tasks'),
    takers: hop.taken.map(({ by, instance, atMs, durationMs, attempt, deduplicated, error, sql }) => ({
      lane: laneOf(by),
      instance,
      afterMs: Math.max(0, atMs - hop.atMs),
      durationMs,
      attempt,
      deduplicated,
      ...(error === undefined ? {} : { error }),
      ...(sql === undefined ? {} : { sql }),
    })),
    frame,
    mail,
    ...(status === undefined || status === 'changed' ? {} : { status: status === 'created' ? 'pending' : status }),
    ...(hop.partition === undefined ? {} : { partition: hop.partition }),
    ...(hop.offset === undefined ? {} : { offset: hop.offset }),
  }
}

// ---------------------------------------------------------------- what orders tells

type Step = NonNullable<TrackedOrder['story']>['steps'][number]

/** The story's steps that no hop tells already. */
function rowsOfSteps(steps: readonly Step[], hops: readonly Hop[]): StepRow[] {
  const events = new Set(hops.flatMap((hop) => (hop.kind === 'event' ? [hop.eventId] : [])))
  const tracedUntilMs = new Map<string, number>()
  for (const { traceId, atMs, durationMs } of hops)
    tracedUntilMs.set(traceId, Math.max(tracedUntilMs.get(traceId) ?? 0, atMs + durationMs))
  return steps.flatMap((step, index): StepRow[] => {
    // Frames and mails are many and say what the rows say: without a trace they are left out.
    if (step.service === 'notifications') return []
    const atMs = Date.parse(step.at)
    // Steps of orders' own have no event of theirs; their trace shows them once it reaches so far. Those that have an
    // event may be told before its trace is there.
    const told =
      step.eventId === undefined ? atMs <= (tracedUntilMs.get(step.traceId ?? '') ?? 0) : events.has(step.eventId)
    if (told) return []
    // Two steps of one cause are one moment; the trace will tell them apart.
    return [
      {
        kind: 'step',
        key: `${step.eventId ?? 'step'}-${index}`,
        atMs,
        lane: laneOf(step.service),
        via: step.via,
        entry: { code: step.code, data: step.data } as StoryEntry,
        ...(step.status === undefined ? {} : { status: step.status }),
      },
    ]
  })
}

// ---------------------------------------------------------------- who was away

function rowsOfAways(aways: readonly Away[], startMs: number, untilMs: number): OutageRow[] {
  return aways
    .filter(
      ({ service, from, until }) =>
        (lanes as readonly string[]).includes(service) &&
        Date.parse(from) <= untilMs &&
        (until === undefined || Date.parse(until) >= startMs),
    )
    .flatMap(({ service, instances, cause, from, until }): OutageRow[] => {
      const fromMs = Date.parse(from)
      const backMs = until === undefined ? Number.POSITIVE_INFINITY : Date.parse(until)
      const common = { service, instances, cause }
      const down: OutageRow = {
        ...common,
        kind: 'down',
        key: `down-${service}-${from}`,
        atMs: Math.max(fromMs, startMs),
        ...(fromMs < startMs ? { lastedMs: startMs - fromMs } : {}),
      }
      if (backMs > untilMs) return [down]
      return [
        down,
        { ...common, kind: 'back', key: `back-${service}-${from}`, atMs: backMs, lastedMs: backMs - fromMs },
      ]
    })
    .sort(byTime)
}

function downtimesOf(rows: readonly OutageRow[]): Downtime[] {
  return rows
    .filter(({ kind }) => kind === 'down')
    .map((down) => {
      const back = backOf(down, rows)
      return { lane: laneOf(down.service), fromKey: down.key, ...(back === undefined ? {} : { untilKey: back.key }) }
    })
}

const backOf = (down: OutageRow, rows: readonly OutageRow[]): OutageRow | undefined =>
  rows
    .filter(({ kind, service, atMs }) => kind === 'back' && service === down.service && atMs >= down.atMs)
    .toSorted(byTime)[0]

function survivedOf(rows: readonly OutageRow[], untilMs: number): Diagram['survived'] {
  return rows
    .filter(({ kind }) => kind === 'down')
    .map((down) => ({
      service: down.service,
      cause: down.cause,
      ms: backOf(down, rows)?.lastedMs ?? untilMs - down.atMs + (down.lastedMs ?? 0),
    }))
    .sort((a, b) => b.ms - a.ms)
}

// ---------------------------------------------------------------- silences

interface Present {
  readonly status: string
  readonly done: boolean
  readonly nowMs: number
  readonly ups: readonly OutageRow[]
  readonly processes: readonly Process[]
}

/** Puts a row wherever nothing happened for a while, and one at the end while the order is under way. */
function withWaits(rows: readonly Row[], present: Present): Row[] {
  const result: Row[] = []
  const handled = rows.flatMap(handlingOf).sort((a, b) => a.fromMs - b.fromMs)
  let status = 'pending'
  let quietSinceMs: number | undefined
  for (const row of rows) {
    // That somebody died or came back doesn't end a silence of the order, but shows in it.
    const silence = quietSinceMs === undefined ? undefined : longestSilence(quietSinceMs, row.atMs, handled)
    if (silence !== undefined && silence.untilMs - silence.fromMs >= waitMsMin)
      result.push(wait(`wait-${row.key}`, silence, status, false, present))
    result.push(row)
    if ((row.kind === 'event' || row.kind === 'step') && row.status !== undefined) status = row.status
    // Whoever waits for an answer is not idle.
    quietSinceMs = Math.max(quietSinceMs ?? 0, row.atMs + (row.kind === 'call' ? row.durationMs : 0))
  }
  const fromMs = quietSinceMs ?? present.nowMs
  if (!present.done && waitsFor[present.status] !== undefined)
    result.push(wait('wait-now', { fromMs, untilMs: Math.max(fromMs, present.nowMs) }, present.status, true, present))
  return result
}

interface Stretch {
  readonly fromMs: number
  readonly untilMs: number
}

/** While an event was being handled somebody was at work, though no row begins there. */
const handlingOf = (row: Row): Stretch[] =>
  row.kind !== 'event'
    ? []
    : row.takers.map(({ afterMs, durationMs }) => ({
        fromMs: row.atMs + afterMs,
        untilMs: row.atMs + afterMs + durationMs,
      }))

/** The longest stretch between the two moments in which nothing was being handled. `handled` is sorted by its beginning. */
function longestSilence(fromMs: number, untilMs: number, handled: readonly Stretch[]): Stretch {
  let longest: Stretch = { fromMs, untilMs: fromMs }
  let quietMs = fromMs
  const end = (atMs: number) => {
    if (atMs - quietMs > longest.untilMs - longest.fromMs) longest = { fromMs: quietMs, untilMs: atMs }
  }
  for (const work of handled) {
    if (work.untilMs <= quietMs || work.fromMs >= untilMs) continue
    end(work.fromMs)
    quietMs = Math.max(quietMs, work.untilMs)
  }
  end(untilMs)
  return longest
}

function wait(
  key: string,
  { fromMs: atMs, untilMs }: Stretch,
  status: string,
  live: boolean,
  { ups, processes }: Present,
): WaitRow {
  const service = waitsFor[status] ?? 'orders'
  const gone = ups.some((row) => {
    if (row.kind !== 'down' || row.service !== service) return false
    const back = backOf(row, ups)
    return row.atMs < untilMs && (back === undefined || back.atMs > atMs)
  })
  const instances = processes.filter((process) => process.service === service)
  const nobody = live && instances.length > 0 && instances.every((process) => process.status !== 'ready')
  return { kind: 'wait', key, atMs, untilMs, status, service, down: live ? nobody : gone, live }
}
