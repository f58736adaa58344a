/** What may be asked about many traces: which there are, and who sent their spans. */
import type { AttributeValue, Span } from './span.ts'
import type { Kept, Trace, TraceStore } from './trace-store.ts'

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
export function findTraces(
  store: TraceStore,
  { service, sinceUnixNano, attributes, limit }: TraceQuery,
): TraceSummary[] {
  const wanted = Object.entries(attributes).map(wantedAttribute)
  const matches = (kept: Kept) =>
    (service === undefined || kept.source.service === service) && hasAll(store, kept, wanted)
  const found: Trace[] = []
  for (const trace of store.traces()) {
    if (sinceUnixNano !== undefined && trace.startUnixNano < sinceUnixNano) continue
    if (Iterator.from(trace.spans.values()).some(matches)) found.push(trace)
  }
  found.sort((a, b) => (a.startUnixNano < b.startUnixNano ? 1 : a.startUnixNano > b.startUnixNano ? -1 : 0))
  return found.slice(0, limit).map(({ traceId }) => summarize(traceId, store.spansOf(traceId) ?? []))
}

type WantedAttribute = { readonly key: string; readonly text: string; readonly asJson: readonly Buffer[] }

/** With the two forms that the attribute may have in a span's line: the text as a string, or as any other value. */
function wantedAttribute([key, text]: [string, string]): WantedAttribute {
  const name = JSON.stringify(key)
  return { key, text, asJson: [Buffer.from(`${name}:${JSON.stringify(text)}`), Buffer.from(`${name}:${text}`)] }
}

/** Lines are searched as they are, and read only where the search hits: it may have hit a text that looks the same. */
function hasAll(store: TraceStore, kept: Kept, wanted: readonly WantedAttribute[]): boolean {
  if (wanted.length === 0) return true
  const line = store.line(kept)
  if (!wanted.every(({ asJson }) => asJson.some((form) => line.includes(form)))) return false
  const { attributes } = store.span(kept)
  return wanted.every((one) => Object.hasOwn(attributes, one.key) && asText(attributes[one.key] ?? null) === one.text)
}

const asText = (value: AttributeValue) => (typeof value === 'string' ? value : JSON.stringify(value))

function summarize(traceId: string, ordered: readonly Span[]): TraceSummary {
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
    spanCount: ordered.length,
    errorCount: ordered.filter((span) => span.status.code === 'error').length,
    services: [...new Set(ordered.map((span) => span.service))],
  }
}

/** Which services sent the spans that are kept, by name. */
export function services(store: TraceStore) {
  return [...Map.groupBy(store.sources(), ({ service }) => service)]
    .map(([service, sources]) => ({
      service,
      instances: sources
        .map(({ instance }) => instance)
        .filter((instance) => instance !== '')
        .sort(),
      spanCount: sources.reduce((sum, { spanCount }) => sum + spanCount, 0),
      errorCount: sources.reduce((sum, { errorCount }) => sum + errorCount, 0),
    }))
    .sort((a, b) => (a.service < b.service ? -1 : 1))
}
