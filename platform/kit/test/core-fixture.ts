/** A Core for tests: real clock and random, logs kept in memory, metrics that can be read back, spans recorded. */

import { AsyncLocalStorage } from 'node:async_hooks'
import { randomBytes, randomUUID } from 'node:crypto'
import { connect } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import type { CrashPointName, Logger, Metrics, SpanOptions, Tracer } from '../src/api.ts'
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
  const counts: { name: string; labels: Record<string, string>; value: number }[] = []
  const gauges = new Map<string, () => number>()
  const matches = (has: Record<string, string>, wanted: Record<string, string>) =>
    Object.entries(wanted).every(([name, value]) => has[name] === value)
  const gaugeKey = (name: string, labels: Record<string, string> = {}) =>
    JSON.stringify([name, Object.entries(labels).sort()])

  const logger = (bound: object): Logger => ({
    debug: (fields, message) => void logs.push({ level: 'debug', message, fields: { ...bound, ...fields } }),
    info: (fields, message) => void logs.push({ level: 'info', message, fields: { ...bound, ...fields } }),
    warn: (fields, message) => void logs.push({ level: 'warn', message, fields: { ...bound, ...fields } }),
    error: (fields, message) => void logs.push({ level: 'error', message, fields: { ...bound, ...fields } }),
    child: (fields) => logger({ ...bound, ...fields }),
  })

  const metrics: Metrics = {
    counter: (name) => ({ inc: (labels = {}, by = 1) => void counts.push({ name, labels, value: by }) }),
    gauge: (name) => ({
      set: (value, labels) => void gauges.set(gaugeKey(name, labels), () => value),
      collect: (read) => void gauges.set(gaugeKey(name), read),
    }),
    histogram: (name) => ({ observe: (_seconds, labels = {}) => void counts.push({ name, labels, value: 1 }) }),
  }

  const active = new AsyncLocalStorage<string>()
  const tracer: Tracer = {
    current: () => active.getStore(),
    open: (name, options) => {
      const parent = options.root ? undefined : (options.parent ?? active.getStore())
      const traceId = parent?.split('-')[1] ?? randomBytes(16).toString('hex')
      const traceparent = `00-${traceId}-${randomBytes(8).toString('hex')}-01`
      const span: RecordedSpan = {
        name,
        options,
        parent: parent ?? undefined,
        traceparent,
        attributes: { ...options.attributes },
        failed: false,
      }
      spans.push(span)
      return {
        traceparent,
        traceId,
        set: (attribute, value) => {
          span.attributes[attribute] = value
        },
        end: (error) => {
          span.failed = error !== undefined
        },
      }
    },
    span: (name, options, work) => {
      const parent = options.root ? undefined : (options.parent ?? active.getStore())
      const traceId = parent?.split('-')[1] ?? randomBytes(16).toString('hex')
      const span: RecordedSpan = {
        name,
        options,
        parent,
        traceparent: `00-${traceId}-${randomBytes(8).toString('hex')}-01`,
        attributes: { ...options.attributes },
        failed: false,
      }
      spans.push(span)
      return active.run(span.traceparent, async () => {
        try {
          return await work({
            traceparent: span.traceparent,
            traceId,
            set: (attribute, value) => {
              span.attributes[attribute] = value
            },
          })
        } catch (error) {
          span.failed = true
          throw error
        }
      })
    },
  }

  const core: TestCore = {
    environment: {
      profile: 'embedded',
      service: 'orders',
      instance: `orders-${randomUUID().slice(0, 8)}`,
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
      kafkaBrokers: ['127.0.0.1:1'],
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
      ...environment,
    },
    clock: {
      now: () => Date.now(),
      micros: () => Date.now() * 1_000,
      iso: () => new Date().toISOString(),
      monotonic: () => performance.now(),
      delay: (ms, signal) => sleep(ms, undefined, signal ? { signal } : {}),
    },
    ids: { uuid: () => randomUUID() },
    random: Math.random,
    log: logger({}),
    metrics,
    tracer,
    crashPoint: (name) => {
      core.crashed.push(name)
      core.onCrashPoint?.(name)
    },
    spans,
    logs,
    crashed: [],
    onCrashPoint: undefined,
    counted: (name, labels = {}) =>
      counts
        .filter((count) => count.name === name && matches(count.labels, labels))
        .reduce((sum, c) => sum + c.value, 0),
    gauged: (name, labels) => gauges.get(gaugeKey(name, labels))?.(),
  }
  return core
}

/** Waits for a condition, not for a time; fails with its name after `patienceMs`. */
export async function until(
  what: string,
  condition: () => boolean | Promise<boolean>,
  patienceMs = 20_000,
): Promise<void> {
  const deadline = performance.now() + patienceMs
  while (!(await condition())) {
    if (performance.now() > deadline) throw new Error(`not within ${patienceMs} ms: ${what}`)
    await sleep(20)
  }
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
