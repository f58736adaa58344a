import type { Span } from '../src/span.ts'
import { lineOf } from '../src/span-line.ts'
import type { TraceStore } from '../src/trace-store.ts'

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

/** @returns false when a limit refuses it */
export const addTo = (store: TraceStore, span: Span) => store.add(span, lineOf(span))
