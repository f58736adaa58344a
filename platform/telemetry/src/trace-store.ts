/** The traces kept: bounded, the one that has been silent longest goes first. No I/O, no clock. */
import type { AttributeValue, Span } from './span.ts'

export type StoreLimits = {
  readonly spansMax: number
  /** Of the spans as JSON; the heap holds about three times as much. */
  readonly bytesMax: number
  /** One runaway trace must not push out all others. */
  readonly spansPerTraceMax: number
  readonly spanBytesMax: number
}

export type Trace = { readonly traceId: string; readonly spans: Map<string, Kept>; bytes: number }
type Kept = { readonly span: Span; readonly bytes: number }

/** Changed only by `add`. */
export type TraceStore = {
  /** Silent longest first. */
  readonly traces: Map<string, Trace>
  /** Trace that is linked to → traces with a span that links to it, with the number of such links. */
  readonly linkedFrom: Map<string, Map<string, number>>
  spans: number
  bytes: number
  tracesDropped: number
  spansRefused: number
}

/** A store without traces. */
export const emptyStore = (): TraceStore => ({
  traces: new Map(),
  linkedFrom: new Map(),
  spans: 0,
  bytes: 0,
  tracesDropped: 0,
  spansRefused: 0,
})

/** Takes a span in; one sent again replaces itself. @returns false when a limit refuses it */
export function add(store: TraceStore, span: Span, limits: StoreLimits): boolean {
  const bytes = Buffer.byteLength(JSON.stringify(span))
  const trace = store.traces.get(span.traceId) ?? { traceId: span.traceId, spans: new Map<string, Kept>(), bytes: 0 }
  const known = trace.spans.has(span.spanId)
  if (bytes > limits.spanBytesMax || (!known && trace.spans.size >= limits.spansPerTraceMax)) {
    store.spansRefused += 1
    return false
  }
  remove(store, trace, span.spanId)
  trace.spans.set(span.spanId, { span, bytes })
  trace.bytes += bytes
  store.bytes += bytes
  store.spans += 1
  for (const link of span.links) countLink(store, link.traceId, span.traceId, 1)
  store.traces.delete(span.traceId)
  store.traces.set(span.traceId, trace)
  while ((store.spans > limits.spansMax || store.bytes > limits.bytesMax) && store.traces.size > 1)
    dropSilentLongest(store)
  return true
}

function dropSilentLongest(store: TraceStore): void {
  const [trace] = store.traces.values()
  if (trace === undefined) return
  for (const spanId of [...trace.spans.keys()]) remove(store, trace, spanId)
  store.traces.delete(trace.traceId)
  store.tracesDropped += 1
}

function remove(store: TraceStore, trace: Trace, spanId: string): void {
  const kept = trace.spans.get(spanId)
  if (kept === undefined) return
  trace.spans.delete(spanId)
  trace.bytes -= kept.bytes
  store.bytes -= kept.bytes
  store.spans -= 1
  for (const link of kept.span.links) countLink(store, link.traceId, trace.traceId, -1)
}

function countLink(store: TraceStore, to: string, from: string, change: number): void {
  const sources = store.linkedFrom.get(to) ?? new Map<string, number>()
  const count = (sources.get(from) ?? 0) + change
  if (count > 0) sources.set(from, count)
  else sources.delete(from)
  if (sources.size > 0) store.linkedFrom.set(to, sources)
  else store.linkedFrom.delete(to)
}

/** The spans of a trace in the order of their start, undefined when the trace isn't kept. */
export function spansOf(store: TraceStore, traceId: string): Span[] | undefined {
  const trace = store.traces.get(traceId)
  return trace === undefined ? undefined : [...trace.spans.values()].map((kept) => kept.span).sort(byStart)
}

/** Order of spans by when they began; by id where that is the same. */
export function byStart(a: Span, b: Span): number {
  const difference = BigInt(a.startTimeUnixNano) - BigInt(b.startTimeUnixNano)
  return difference < 0n ? -1 : difference > 0n ? 1 : a.spanId < b.spanId ? -1 : 1
}

export type TraceQuery = {
  readonly service?: string
  /** Traces that began at this time or later. */
  readonly sinceUnixNano?: bigint
  /** One span must have all of them (and be of `service`); values are compared as text. */
  readonly attributes: Readonly<Record<string, string>>
  readonly limit: number
}

export type TraceSummary = {
  readonly traceId: string
  /** Of the root, or of the earliest span when the root isn't here. */
  readonly name: string
  readonly service: string
  readonly startTimeUnixNano: string
  readonly durationMs: number
  readonly spanCount: number
  readonly errorCount: number
  readonly services: readonly string[]
}

/** Newest start first. */
export function findTraces(store: TraceStore, query: TraceQuery): TraceSummary[] {
  const wanted = Object.entries(query.attributes)
  const found: { start: bigint; summary: TraceSummary }[] = []
  for (const trace of store.traces.values()) {
    const spans = [...trace.spans.values()].map((kept) => kept.span)
    const matches = spans.some(
      (span) =>
        (query.service === undefined || span.service === query.service) &&
        wanted.every(
          ([key, text]) => Object.hasOwn(span.attributes, key) && asText(span.attributes[key] ?? null) === text,
        ),
    )
    if (!matches) continue
    const summary = summarize(trace.traceId, spans)
    const start = BigInt(summary.startTimeUnixNano)
    if (query.sinceUnixNano === undefined || start >= query.sinceUnixNano) found.push({ start, summary })
  }
  found.sort((a, b) => (a.start < b.start ? 1 : a.start > b.start ? -1 : 0))
  return found.slice(0, query.limit).map((each) => each.summary)
}

const asText = (value: AttributeValue) => (typeof value === 'string' ? value : JSON.stringify(value))

function summarize(traceId: string, spans: readonly Span[]): TraceSummary {
  const ordered = [...spans].sort(byStart)
  const first = ordered.find((span) => span.parentSpanId === undefined) ?? ordered[0]
  const start = BigInt(ordered[0]?.startTimeUnixNano ?? 0)
  const end = ordered.reduce((latest, span) => {
    const each = BigInt(span.endTimeUnixNano)
    return each > latest ? each : latest
  }, start)
  return {
    traceId,
    name: first?.name ?? '',
    service: first?.service ?? '',
    startTimeUnixNano: start.toString(),
    durationMs: Number(end - start) / 1e6,
    spanCount: spans.length,
    errorCount: spans.filter((span) => span.status.code === 'error').length,
    services: [...new Set(ordered.map((span) => span.service))],
  }
}

/** Which services sent the spans that are kept, by name. */
export function services(store: TraceStore) {
  const found = new Map<string, { instances: Set<string>; spanCount: number; errorCount: number }>()
  for (const trace of store.traces.values())
    for (const { span } of trace.spans.values()) {
      const entry = found.get(span.service) ?? { instances: new Set(), spanCount: 0, errorCount: 0 }
      if (span.instance !== '') entry.instances.add(span.instance)
      entry.spanCount += 1
      if (span.status.code === 'error') entry.errorCount += 1
      found.set(span.service, entry)
    }
  return [...found]
    .map(([service, entry]) => ({ service, ...entry, instances: [...entry.instances].sort() }))
    .sort((a, b) => (a.service < b.service ? -1 : 1))
}
