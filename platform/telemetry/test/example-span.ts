import type { Span } from '../src/spans/span.ts'
import { type SpanLimits, SpanStore } from '../src/spans/span-store.ts'

const hex = (value: number, digits: number) => value.toString(16).padStart(digits, '0')
export const traceIdOf = (trace: number) => hex(trace, 32)
export const spanIdOf = (span: number) => hex(span, 16)

/** A span for tests, from small numbers. */
export function exampleSpan(trace: number, span: number, more: Partial<Span> & { startMs?: number } = {}): Span {
  const { startMs = span, ...members } = more
  return {
    traceId: traceIdOf(trace),
    spanId: spanIdOf(span),
    name: `span ${span}`,
    kind: 'internal',
    service: 'orders',
    instance: 'orders-1',
    startTimeUnixNano: String(startMs * 1_000_000),
    endTimeUnixNano: String((startMs + 1) * 1_000_000),
    attributes: {},
    status: { code: 'unset' },
    links: [],
    events: [],
    ...members,
  }
}

export const linkTo = (trace: number, span: number) => ({ traceId: traceIdOf(trace), spanId: spanIdOf(span) })

/** A store whose limits nothing here reaches, but for those given. */
export const storeIn = (directory: string, limits: Partial<SpanLimits> = {}, onFault = (_: unknown) => {}) =>
  new SpanStore(
    directory,
    {
      history: { bytesMax: 100_000_000, ageMsMax: 1e12 },
      spansPerTraceMax: 5_000,
      spanBytesMax: 64 * 1024,
      traceBytesMax: 8 * 1024 * 1024,
      ...limits,
    },
    onFault,
  )
