/** What requests ask, read from their query: every wrong parameter is named at once. */
import { Problem } from '@svyaz/stage'
import type { LogFilter } from './logs/log-filter.ts'
import { logLevels } from './logs/log-line.ts'
import type { TraceQuery } from './spans/find-traces.ts'
import { spanKinds } from './spans/span.ts'

export const limitMax = 500
const logLimitMax = 1_000
const windowSecondsMax = 3_600
/** Of a text that is searched for. */
const textCharsMax = 1_000

/** Reads parameters by their names; `done` refuses what was wrong and what nobody asked for. */
export class Parameters {
  readonly #values: URLSearchParams
  readonly #read = new Set<string>()
  readonly #faults: string[] = []

  constructor(values: URLSearchParams) {
    this.#values = values
  }

  text(name: string): string | undefined {
    this.#read.add(name)
    const value = this.#values.get(name)
    if (value !== null && value.length > textCharsMax) this.#faults.push(`${name} may have ${textCharsMax} characters`)
    return value === null || value === '' ? undefined : value
  }

  texts(name: string): string[] {
    this.#read.add(name)
    return this.#values.getAll(name)
  }

  oneOf<const T extends string>(name: string, known: readonly T[]): T | undefined {
    const value = this.text(name)
    const found = known.find((one) => one === value)
    if (value !== undefined && found === undefined) this.#faults.push(`${name} must be one of ${known.join(', ')}`)
    return found
  }

  number(name: string, min: number, max: number): number | undefined {
    const value = this.text(name)
    if (value === undefined) return undefined
    const number = Number(value)
    if (/^\d+(\.\d+)?$/.test(value) && number >= min && number <= max) return number
    this.#faults.push(`${name} must be a number from ${min} to ${max}`)
    return undefined
  }

  whole(name: string, min: number, max: number): number | undefined {
    const number = this.number(name, min, max)
    if (number === undefined || Number.isInteger(number)) return number
    this.#faults.push(`${name} must be whole`)
    return undefined
  }

  /** RFC 3339, or milliseconds since 1970. */
  timeMs(name: string): number | undefined {
    const value = this.text(name)
    if (value === undefined) return undefined
    const timeMs = /^\d{1,15}$/.test(value) ? Number(value) : Date.parse(value)
    if (!Number.isNaN(timeMs)) return timeMs
    this.#faults.push(`${name} must be a time (RFC 3339) or milliseconds since 1970`)
    return undefined
  }

  fault(text: string): void {
    this.#faults.push(text)
  }

  /** @throws Problem 400 that names each wrong parameter */
  done(): void {
    for (const name of new Set(this.#values.keys()))
      if (!this.#read.has(name)) this.#faults.push(`${name.slice(0, 100)} is not known`)
    if (this.#faults.length > 0) throw new Problem(400, 'invalid_query', this.#faults.join('; '))
  }
}

/** @throws Problem 400 */
export function traceQuery(values: URLSearchParams): TraceQuery {
  const asked = new Parameters(values)
  const attributes: Record<string, string> = Object.create(null)
  for (const tag of asked.texts('tag')) {
    const [, key, value] = /^([^=]+)=(.*)$/s.exec(tag) ?? []
    if (key === undefined || value === undefined || tag.length > textCharsMax) asked.fault('tag must be key=value')
    else attributes[key] = value
  }
  const event = asked.text('event')
  if (event !== undefined) attributes['messaging.message.id'] = event
  const order = asked.text('order')
  if (order !== undefined && order.length < 3) asked.fault('order must have 3 characters')
  const error = asked.oneOf('error', ['true', 'false'])
  const query = defined({
    service: asked.text('service'),
    operation: asked.text('operation'),
    kind: asked.oneOf('kind', spanKinds),
    minDurationMs: asked.number('minDurationMs', 0, 1e9),
    maxDurationMs: asked.number('maxDurationMs', 0, 1e9),
    error: error === undefined ? undefined : error === 'true',
    mention: order,
    fromMs: asked.timeMs('from'),
    toMs: asked.timeMs('to'),
  })
  const limit = asked.whole('limit', 1, limitMax) ?? 50
  asked.done()
  return { ...query, attributes, limit }
}

/** @param nowMs end of the window when none is given */
export function windowQuery(values: URLSearchParams, nowMs: number) {
  const asked = new Parameters(values)
  const query = {
    windowS: asked.whole('windowS', 10, windowSecondsMax) ?? 300,
    toMs: asked.timeMs('to') ?? nowMs,
    service: asked.text('service'),
    points: asked.oneOf('points', ['true', 'false']) === 'true',
  }
  asked.done()
  return query
}

/** What narrows lines down, wherever it is asked. */
export const logFilter = (asked: Parameters): LogFilter =>
  defined({
    level: asked.oneOf('level', logLevels),
    text: asked.text('text'),
    service: asked.text('service'),
    instance: asked.text('instance'),
    trace: asked.text('trace'),
  })

/** The parameters of `GET /logs`. @throws Problem 400 that names the wrong one */
export function logQuery(values: URLSearchParams) {
  const asked = new Parameters(values)
  const filter = logFilter(asked)
  const cursor = asked.text('cursor')
  const [, at, skip] = /^(\d{1,16})\.(\d{1,9})$/.exec(cursor ?? '') ?? []
  if (cursor !== undefined && at === undefined) asked.fault('cursor must be the next of an earlier answer')
  const search = {
    fromMs: asked.timeMs('from') ?? 0,
    toMs: asked.timeMs('to') ?? Number.MAX_SAFE_INTEGER,
    limit: asked.whole('limit', 1, logLimitMax) ?? 200,
    ...(at === undefined ? {} : { cursor: { atMs: Number(at), skip: Number(skip) } }),
  }
  asked.done()
  return { filter, search }
}

/** @throws Problem 400 */
export function traceIdOf(text: string): string {
  if (!/^[0-9a-f]{32}$/i.test(text)) throw new Problem(400, 'invalid_trace_id', 'a trace id has 32 hex digits')
  return text.toLowerCase()
}

type Defined<T> = { [K in keyof T]?: Exclude<T[K], undefined> }
const defined = <T extends Record<string, unknown>>(values: T): Defined<T> =>
  Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as Defined<T>
