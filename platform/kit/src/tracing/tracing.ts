/**
 * Spans made by hand at the edges, carried by AsyncLocalStorage, named on the wire by W3C Trace Context
 * (`traceparent`, version 00). Finished spans go to one SpanSink; without one nothing is kept.
 *
 * Read in this order: tracing.ts, micros.ts (their time), span-exporter.ts, span-batch.ts (where they wait), otlp.ts and
 * zipkin.ts (their forms), span-answer.ts (what a collector said).
 */
import { AsyncLocalStorage } from 'node:async_hooks'
import { randomFillSync } from 'node:crypto'
import type { OpenSpan, SpanKind, SpanOptions, Tracer } from '../api.ts'

type Attributes = Record<string, string | number | boolean>

export interface FinishedSpan {
  traceId: string
  spanId: string
  parentSpanId: string | undefined
  name: string
  kind: SpanKind
  /** Unix time in µs. */
  startMicros: number
  endMicros: number
  attributes: Readonly<Attributes>
  links: readonly { traceId: string; spanId: string }[]
  error: string | undefined
}

export interface SpanSink {
  take(span: FinishedSpan): void
}

interface Context {
  traceId: string
  spanId: string
  /** Whether spans of this trace are kept: decided where the trace begins, told to all by the flag. */
  sampled: boolean
}

const form = /^00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})$/
const nothing = /^0+$/

/** The ids out of a `traceparent`, or undefined for anything malformed (which the standard says to ignore). */
export const parseTraceparent = (value: string | undefined): Context | undefined => {
  const match = value === undefined ? null : form.exec(value)
  if (!match || nothing.test(match[1]!) || nothing.test(match[2]!)) return undefined
  return { traceId: match[1]!, spanId: match[2]!, sampled: (Number.parseInt(match[3]!, 16) & 1) === 1 }
}

/** The `traceparent` header of a span (W3C Trace Context). */
export const writeTraceparent = (context: Context): string =>
  `00-${context.traceId}-${context.spanId}-${context.sampled ? '01' : '00'}`

export interface ProcessTracer extends Tracer {
  currentContext(): Context | undefined
}

export interface TracerOptions {
  /** Reads the wall clock in µs; spans of one process are ordered by it. */
  micros: () => number
  /** How many of the traces that begin here are kept, 0 to 1. Default 1: all. */
  sampleRatio?: number
}

/** The process's tracer; without a sink spans are made, for their ids, and go nowhere. */
export const createTracer = (sink: SpanSink | undefined, options: TracerOptions): ProcessTracer => {
  const { micros, sampleRatio = 1 } = options
  const storage = new AsyncLocalStorage<Context>()

  const begin = (name: string, options: SpanOptions): { span: OpenSpan; context: Context } => {
    const parent = options.root ? undefined : (parseTraceparent(options.parent ?? undefined) ?? storage.getStore())
    const context: Context = {
      traceId: parent?.traceId ?? randomHex(16),
      spanId: randomHex(8),
      sampled: parent?.sampled ?? (sampleRatio >= 1 || Math.random() < sampleRatio),
    }
    return { span: new Span(context, parent?.spanId, name, options, micros, sink), context }
  }

  return {
    currentContext: () => storage.getStore(),
    current() {
      const context = storage.getStore()
      return context && writeTraceparent(context)
    },
    open: (name, options) => begin(name, options).span,
    async span(name, options, work) {
      const { span, context } = begin(name, options)
      let error: string | undefined
      try {
        return await storage.run(context, () => work(span))
      } catch (cause) {
        error = cause instanceof Error ? cause.message : String(cause)
        throw cause
      } finally {
        span.end(error)
      }
    },
  }
}

/** A span that has not ended. A class, and nothing made before it is asked for: a message of the relay has five. */
class Span implements OpenSpan {
  readonly #context: Context
  readonly #parentSpanId: string | undefined
  readonly #name: string
  readonly #options: SpanOptions
  readonly #micros: () => number
  readonly #sink: SpanSink | undefined
  readonly #startMicros: number
  /** Those of the options until one is set: they belong to the caller. */
  #attributes: Readonly<Attributes> | undefined
  #own: Attributes | undefined

  constructor(
    context: Context,
    parentSpanId: string | undefined,
    name: string,
    options: SpanOptions,
    micros: () => number,
    sink: SpanSink | undefined,
  ) {
    this.#context = context
    this.#parentSpanId = parentSpanId
    this.#name = name
    this.#options = options
    this.#micros = micros
    this.#sink = sink
    this.#attributes = options.attributes
    this.#startMicros = context.sampled ? micros() : 0
  }

  get traceparent(): string {
    return writeTraceparent(this.#context)
  }

  get traceId(): string {
    return this.#context.traceId
  }

  set(key: string, value: string | number | boolean): void {
    this.#own ??= { ...this.#attributes }
    this.#own[key] = value
  }

  end(error?: string): void {
    if (!this.#context.sampled) return
    this.#sink?.take({
      traceId: this.#context.traceId,
      spanId: this.#context.spanId,
      parentSpanId: this.#parentSpanId,
      name: this.#name,
      kind: this.#options.kind ?? 'internal',
      startMicros: this.#startMicros,
      endMicros: this.#micros(),
      attributes: this.#own ?? this.#attributes ?? none,
      links: linksOf(this.#options.links),
      error,
    })
  }
}

const none: Readonly<Attributes> = Object.freeze({})
const noLinks: FinishedSpan['links'] = Object.freeze([])

const linksOf = (links: SpanOptions['links']): FinishedSpan['links'] =>
  links === undefined || links.length === 0
    ? noLinks
    : links.flatMap((link) => {
        const linked = parseTraceparent(link)
        return linked ? { traceId: linked.traceId, spanId: linked.spanId } : []
      })

/** Random bytes are drawn many at a time: a call for each id would cost more than the rest of a span. */
const pool = Buffer.alloc(4_096)
let used = pool.length
const randomHex = (bytes: number): string => {
  if (used + bytes > pool.length) {
    randomFillSync(pool)
    used = 0
  }
  used += bytes
  return pool.toString('hex', used - bytes, used)
}
