/** A Core for tests: real clock and random, logs kept in memory, metrics that can be read back, spans recorded. */

import { AsyncLocalStorage } from 'node:async_hooks'
import { randomBytes, randomUUID } from 'node:crypto'
import { connect } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { until as look } from '../../../lab/observe/until.ts'
import type { CrashPointName, Logger, Metrics, Span, SpanOptions, Tracer } from '../src/api.ts'
import type { Core } from '../src/core.ts'
import type { KitEnvironment } from '../src/process/environment.ts'

export interface RecordedSpan {
  name: string
  options: SpanOptions
  traceparent: string
  parent: string | undefined
  attributes: Record<string, string | number | boolean>
  failed: boolean
}

export interface TestCore extends Core {
  spans: RecordedSpan[]
  logs: { level: string; message: string; fields: object }[]
  /** The sum of a counter over the label values given. */
  counted(name: string, labels?: Record<string, string>): number
  gauged(name: string, labels?: Record<string, string>): number | undefined
  crashed: CrashPointName[]
  onCrashPoint: ((name: CrashPointName) => void) | undefined
}

export function testCore(environment: Partial<KitEnvironment> = {}): TestCore {
  const spans: RecordedSpan[] = []
  const logs: TestCore['logs'] = []
  const measured = new Measured()
  const core: TestCore = {
    environment: { ...nowhere, instance: `orders-${randomUUID().slice(0, 8)}`, ...environment },
    clock: {
      now: () => Date.now(),
      micros: () => Date.now() * 1_000,
      iso: () => new Date().toISOString(),
      monotonic: () => performance.now(),
      delay: (ms, signal) => sleep(ms, undefined, signal ? { signal } : {}),
    },
    ids: { uuid: () => randomUUID() },
    random: Math.random,
    log: loggerInto(logs),
    metrics: measured,
    tracer: new RecordingTracer(spans),
    crashPoint: (name) => {
      core.crashed.push(name)
      core.onCrashPoint?.(name)
    },
    spans,
    logs,
    crashed: [],
    onCrashPoint: undefined,
    counted: (name, labels) => measured.counted(name, labels),
    gauged: (name, labels) => measured.gauged(name, labels),
  }
  return core
}

const nowhere: KitEnvironment = {
  profile: 'embedded',
  service: 'orders',
  instance: 'orders',
  home: '/nonexistent',
  host: '127.0.0.1',
  allowedHosts: [],
  advertisedHost: '127.0.0.1',
  httpPort: 0,
  grpcPort: 0,
  managementPort: 0,
  advertisedHttpPort: undefined,
  advertisedGrpcPort: undefined,
  discoveryUrl: 'http://127.0.0.1:1',
  discoveryToken: undefined,
  configUrl: undefined,
  messages: 'kafka',
  kafkaBrokers: ['127.0.0.1:1'],
  rabbitmqUrl: undefined,
  rabbitmqQueues: undefined,
  databaseUrl: undefined,
  otlpUrl: undefined,
  otlpHeaders: {},
  zipkinUrl: undefined,
  traceSampleRatio: 1,
  keyFile: '',
  jwksFile: '',
  createTopics: true,
  crashPoints: '',
  sabotage: new Set(),
  logLevel: 'info',
}

const loggerInto = (logs: TestCore['logs'], bound: object = {}): Logger => {
  const at = (level: string) => (fields: object, message: string) =>
    void logs.push({ level, message, fields: { ...bound, ...fields } })
  return {
    debug: at('debug'),
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
    child: (fields) => loggerInto(logs, { ...bound, ...fields }),
  }
}

class Measured implements Metrics {
  readonly #counts: { name: string; labels: Record<string, string>; value: number }[] = []
  readonly #gauges = new Map<string, () => number>()

  counter(name: string): ReturnType<Metrics['counter']> {
    return { inc: (labels = {}, by = 1) => void this.#counts.push({ name, labels, value: by }) }
  }

  gauge(name: string): ReturnType<Metrics['gauge']> {
    return {
      set: (value, labels) => void this.#gauges.set(gaugeKey(name, labels), () => value),
      collect: (read) => void this.#gauges.set(gaugeKey(name), read),
    }
  }

  histogram(name: string): ReturnType<Metrics['histogram']> {
    return { observe: (_seconds, labels = {}) => void this.#counts.push({ name, labels, value: 1 }) }
  }

  counted(name: string, wanted: Record<string, string> = {}): number {
    return this.#counts
      .filter((count) => count.name === name)
      .filter(({ labels }) => Object.entries(wanted).every(([label, value]) => labels[label] === value))
      .reduce((sum, { value }) => sum + value, 0)
  }

  gauged(name: string, labels?: Record<string, string>): number | undefined {
    return this.#gauges.get(gaugeKey(name, labels))?.()
  }
}

const gaugeKey = (name: string, labels: Record<string, string> = {}) =>
  JSON.stringify([name, Object.entries(labels).sort()])

class RecordingTracer implements Tracer {
  readonly #spans: RecordedSpan[]
  readonly #active = new AsyncLocalStorage<string>()

  constructor(spans: RecordedSpan[]) {
    this.#spans = spans
  }

  current(): string | undefined {
    return this.#active.getStore()
  }

  open(name: string, options: SpanOptions): ReturnType<Tracer['open']> {
    const { span, handle } = this.#begin(name, options)
    const end = (error?: unknown) => {
      span.failed = error !== undefined
    }
    return { ...handle, end }
  }

  span<T>(name: string, options: SpanOptions, work: (span: Span) => Promise<T>): Promise<T> {
    const { span, handle } = this.#begin(name, options)
    return this.#active.run(span.traceparent, async () => {
      try {
        return await work(handle)
      } catch (error) {
        span.failed = true
        throw error
      }
    })
  }

  #begin(name: string, options: SpanOptions): { span: RecordedSpan; handle: Span } {
    const parent = options.root ? undefined : (options.parent ?? this.#active.getStore())
    const traceId = parent?.split('-')[1] ?? randomBytes(16).toString('hex')
    const traceparent = `00-${traceId}-${randomBytes(8).toString('hex')}-01`
    const attributes = { ...options.attributes }
    const span: RecordedSpan = { name, options, parent, traceparent, attributes, failed: false }
    this.#spans.push(span)
    const set: Span['set'] = (attribute, value) => {
      span.attributes[attribute] = value
    }
    return { span, handle: { traceparent, traceId, set } }
  }
}

/** Waits for a condition, not for a time; fails with its name after `patienceMs`. */
export async function until(
  what: string,
  condition: () => boolean | Promise<boolean>,
  patienceMs = 20_000,
): Promise<void> {
  await look(what, condition, { timeoutMs: patienceMs, everyMs: 20 })
}

/** Sends bytes and cuts the connection with a TCP reset, at once or behind the answer. */
export const resetAfter = (port: number, bytes: string, { answered }: { answered: boolean }): Promise<void> =>
  new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => {
      if (answered) {
        socket.once('data', () => socket.resetAndDestroy())
        socket.write(bytes)
      } else socket.write(bytes, () => socket.resetAndDestroy())
    })
    socket.on('error', () => undefined)
    socket.on('close', () => resolve())
  })
