/**
 * The joined story of a trace. A consumer's span links to the producer's span, which may be of another trace: one
 * user action is then several traces. Joining follows the links of every span in a trace, both ways, from trace to
 * trace, nearest first, so that what a limit leaves out is what is farthest away.
 */
import type { Span, SpanReference } from './span.ts'
import { byStart, type SpanStore } from './span-store.ts'

export type JoinLimits = { readonly tracesMax: number; readonly spansMax: number; readonly bytesMax: number }

/** Traces and spans beyond what is joined that are looked for: a span may carry as many links as it likes. */
const looksMax = 1_000

export type Joined = {
  readonly traceId: string
  /** `distance`: how many links away from the trace asked for. */
  readonly traces: readonly { readonly traceId: string; readonly distance: number; readonly spanCount: number }[]
  /** Of all traces, in the order of their start. */
  readonly spans: readonly Span[]
  /** Links between two spans that are both here: from the one that carries the link. */
  readonly links: readonly { readonly from: SpanReference; readonly to: SpanReference }[]
  /** Linked to, but not kept (not arrived yet, dropped, or not sampled). */
  readonly missing: readonly SpanReference[]
  /** A limit left traces out. */
  readonly truncated: boolean
}

/** @returns undefined when the trace isn't kept */
export function joinTraces(store: SpanStore, traceId: string, limits: JoinLimits): Joined | undefined {
  const first = store.spansOf(traceId)
  if (first === undefined) return undefined
  const traces: Joined['traces'][number][] = [{ traceId, distance: 0, spanCount: first.length }]
  const spans = [...first]
  let bytes = store.sizeOf(traceId).bytes
  const seen = new Set([traceId])
  let truncated = false
  // `traces` grows while it is walked: it is the queue of a breadth-first search.
  for (const { traceId: current, distance } of traces) {
    for (const next of store.neighbours(current)) {
      if (seen.has(next)) continue
      seen.add(next)
      if (seen.size > looksMax) {
        truncated = true
        break
      }
      const { spans: spanCount, bytes: own } = store.sizeOf(next)
      if (spanCount === 0) continue
      const isTooMuch = spans.length + spanCount > limits.spansMax || bytes + own > limits.bytesMax
      if (traces.length >= limits.tracesMax || isTooMuch) {
        truncated = true
        continue
      }
      bytes += own
      traces.push({ traceId: next, distance: distance + 1, spanCount })
      for (const span of store.spansOf(next) ?? []) spans.push(span)
    }
  }
  spans.sort(byStart)
  const resolved = resolveLinks(store, spans)
  return { traceId, traces, spans, ...resolved.links, truncated: truncated || resolved.truncated }
}

function resolveLinks(store: SpanStore, spans: readonly Span[]) {
  const here = new Set(spans.map((span) => `${span.traceId}/${span.spanId}`))
  const links: { from: SpanReference; to: SpanReference }[] = []
  const away = new Map<string, SpanReference>()
  for (const { traceId, spanId, links: own } of spans)
    for (const to of own) {
      const key = `${to.traceId}/${to.spanId}`
      if (here.has(key)) links.push({ from: { traceId, spanId }, to })
      else if (away.size < looksMax) away.set(key, to)
    }
  const missing = [...away.values()].filter((to) => !store.has(to.traceId, to.spanId))
  return { links: { links, missing }, truncated: away.size >= looksMax }
}
