/**
 * Spans made by hand at the edges, carried by AsyncLocalStorage, named on the wire by W3C Trace Context
 * (`traceparent`, version 00). Finished spans go to one SpanSink; without one nothing is kept.
 */
import { AsyncLocalStorage } from 'node:async_hooks'
import { randomFillSync } from 'node:crypto'
import type { Span, SpanKind, SpanOptions, Tracer } from './api.ts'

export interface FinishedSpan {
  traceId: string
  spanId: string
  parentSpanId: string | undefined
  name: string
  kind: SpanKind
  startUnixNano: bigint
  endUnixNano: bigint
  attributes: Record<string, string | number | boolean>
  links: readonly { traceId: string; spanId: string }[]
  error: string | undefined
}

export interface SpanSink {
  take(span: FinishedSpan): void
}

interface Context {
  traceId: string
  spanId: string
}

const form = /^00-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}$/

/** The ids out of a `traceparent`, or undefined for anything malformed (which the standard says to ignore). */
export const parseTraceparent = (value: string | undefined): Context | undefined => {
  const match = value === undefined ? null : form.exec(value)
  if (!match || /^0+$/.test(match[1]!) || /^0+$/.test(match[2]!)) return undefined
  return { traceId: match[1]!, spanId: match[2]! }
}

export const writeTraceparent = (context: Context): string => `00-${context.traceId}-${context.spanId}-01`

export interface ProcessTracer extends Tracer {
  currentContext(): Context | undefined
}

/** Random bytes as hex out of a store that is filled at once: one call to the system's generator for some 500 spans. */
const createRandomHex = (storeBytes = 4_096): ((bytes: number) => string) => {
  const store = Buffer.alloc(storeBytes)
  let used = storeBytes
  return (bytes) => {
    if (used + bytes > storeBytes) {
      randomFillSync(store)
      used = 0
    }
    used += bytes
    return store.toString('hex', used - bytes, used)
  }
}

/** `unixNano` reads the wall clock; spans of one process are ordered by it. */
export const createTracer = (sink: SpanSink | undefined, unixNano: () => bigint): ProcessTracer => {
  const storage = new AsyncLocalStorage<Context>()
  const randomHex = createRandomHex()
  return {
    currentContext: () => storage.getStore(),
    current() {
      const context = storage.getStore()
      return context && writeTraceparent(context)
    },
    async span<T>(name: string, options: SpanOptions, work: (span: Span) => Promise<T>): Promise<T> {
      const parent = options.root ? undefined : (parseTraceparent(options.parent ?? undefined) ?? storage.getStore())
      const context = {
        traceId: parent?.traceId ?? randomHex(16),
        spanId: randomHex(8),
      }
      const attributes = { ...options.attributes }
      const span: Span = {
        traceparent: writeTraceparent(context),
        traceId: context.traceId,
        set: (key, value) => {
          attributes[key] = value
        },
      }
      const startUnixNano = unixNano()
      let error: string | undefined
      try {
        return await storage.run(context, () => work(span))
      } catch (cause) {
        error = cause instanceof Error ? cause.message : String(cause)
        throw cause
      } finally {
        sink?.take({
          ...context,
          parentSpanId: parent?.spanId,
          name,
          kind: options.kind ?? 'internal',
          startUnixNano,
          endUnixNano: unixNano(),
          attributes,
          links: (options.links ?? []).flatMap((link) => parseTraceparent(link) ?? []),
          error,
        })
      }
    },
  }
}

/** Wall time in ns that never runs backwards within the process: the start of the process plus the monotonic clock. */
export const processUnixNano = (): (() => bigint) => {
  const base = BigInt(Date.now()) * 1_000_000n - process.hrtime.bigint()
  return () => base + process.hrtime.bigint()
}
