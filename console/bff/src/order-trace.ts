/** The traces of an order, as the telemetry has them, put together into one. */
import type { Story, Trace } from '../../protocol.ts'
import { hopsOf, type Span } from './hops.ts'
import { limits } from './limits.ts'
import { ask } from './requests.ts'

/**
 * All that happened for an order so far; undefined while its story names no trace.
 *
 * @param telemetry http://host:port
 */
export async function traceOf(
  telemetry: string,
  story: Story | undefined,
  signal: AbortSignal,
): Promise<Trace | undefined> {
  const steps = story?.steps ?? []
  const traceIds = [...new Set(steps.flatMap((step) => step.traceId ?? []))].slice(0, limits.tracesPerOrder)
  if (traceIds.length === 0) return undefined
  const read = await Promise.all(traceIds.map((traceId) => spansOf(telemetry, traceId, signal)))
  // What is joined to one of them may be another one of them.
  const spans = [...new Map(read.flat().map((span) => [`${span.traceId} ${span.spanId}`, span])).values()]
  return { traceIds, spans: spans.length, hops: hopsOf(spans) }
}

/** A trace with all that is joined to it; none when telemetry is away or has none: then orders alone says what happened. */
async function spansOf(telemetry: string, traceId: string, signal: AbortSignal): Promise<Span[]> {
  try {
    const { status, text } = await ask({ url: telemetry }, { path: `/traces/${traceId}/joined`, signal })
    return status === 200 ? (JSON.parse(text) as { spans: Span[] }).spans : []
  } catch {
    return []
  }
}
