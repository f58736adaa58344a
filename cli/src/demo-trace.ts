/**
 * A trace as an indented list: every span under the one that caused it, with when it began and how long it took. SQL
 * statements are counted beside the span that made them: they are most of a trace and the least of its story.
 */
import { demand } from './demo-user.ts'
import type { Terminal } from './terminal.ts'

interface Span {
  spanId: string
  parentSpanId?: string
  name: string
  kind: string
  service: string
  instance?: string
  startTimeUnixNano: string
  endTimeUnixNano: string
  status?: { code?: string }
}

/** Spans come in batches some hundred ms after their end: asked until two answers agree. */
export async function traceLines(telemetry: string, traceId: string, terminal: Terminal): Promise<string[]> {
  let before = -1
  const spans = await demand('the trace to be complete', async () => {
    const response = await fetch(`${telemetry}/traces/${traceId}`)
    const found = response.ok ? ((await response.json()) as { spans: Span[] }).spans : []
    const complete = found.length > 0 && found.length === before
    before = found.length
    await new Promise((resolve) => setTimeout(resolve, 700))
    return complete ? found : undefined
  })
  const statements = Map.groupBy(spans.filter(isStatement), (span) => span.parentSpanId)
  return treeOf(spans.filter((span) => !isStatement(span))).map(({ span, depth }) => {
    const sql = statements.get(span.spanId)?.length ?? 0
    const counted = sql === 0 ? '' : terminal.paint('dim', `  ${sql} SQL statement${sql === 1 ? '' : 's'}`)
    return lineOf(span, depth, spans, terminal) + counted
  })
}

const isStatement = (span: Span): boolean => span.name.startsWith('SQL ')

/** Depth first, siblings by their start; a span whose parent is not there goes to the root. */
export function treeOf<T extends Pick<Span, 'spanId' | 'parentSpanId' | 'startTimeUnixNano'>>(
  spans: readonly T[],
): { span: T; depth: number }[] {
  const ids = new Set(spans.map((span) => span.spanId))
  const children = Map.groupBy(spans, (span) =>
    span.parentSpanId !== undefined && ids.has(span.parentSpanId) ? span.parentSpanId : '',
  )
  const under = (id: string, depth: number): { span: T; depth: number }[] =>
    (children.get(id) ?? [])
      .toSorted((a, b) => (BigInt(a.startTimeUnixNano) < BigInt(b.startTimeUnixNano) ? -1 : 1))
      .flatMap((span) => [{ span, depth }, ...under(span.spanId, depth + 1)])
  return under('', 0)
}

function lineOf(span: Span, depth: number, all: readonly Span[], terminal: Terminal): string {
  const first = all.reduce(
    (least, one) => (BigInt(one.startTimeUnixNano) < least ? BigInt(one.startTimeUnixNano) : least),
    BigInt(span.startTimeUnixNano),
  )
  const ms = (nano: bigint) => (Number(nano) / 1e6).toFixed(1)
  const after = `+${ms(BigInt(span.startTimeUnixNano) - first)}`.padStart(9)
  const took = `${ms(BigInt(span.endTimeUnixNano) - BigInt(span.startTimeUnixNano))} ms`.padStart(10)
  const who = terminal.paint('cyan', span.instance ?? span.service)
  const failed = span.status?.code === 'error' ? terminal.paint('red', ' failed') : ''
  return `  ${after} ${terminal.paint('dim', took)}  ${'  '.repeat(Math.min(depth, 12))}${who} ${span.name}${failed}`
}
