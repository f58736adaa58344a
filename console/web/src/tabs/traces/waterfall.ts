/**
 * A trace, with those that its messages lead to, as the rows of a waterfall. Pure. A message's consumer is a child of
 * its producer: their link takes the place of a parent.
 */
import type { TelemetrySpan } from '@svyaz/contracts/telemetry.ts'

export interface Row {
  readonly span: TelemetrySpan
  readonly depth: number
  /** Milliseconds from the start of the earliest. */
  readonly startMs: number
  readonly durationMs: number
  /** Without what its children took. */
  readonly ownMs: number
  readonly failed: boolean
  /** It came by a message: between its parent's end and its start it waited in a topic. */
  readonly linked: boolean
  readonly children: number
  /** Whether it decides how long the trace took. */
  readonly critical: boolean
}

export interface Waterfall {
  readonly rows: readonly Row[]
  readonly totalMs: number
  /** RFC 3339, of the earliest. */
  readonly startedAt: string
}

interface Node {
  readonly span: TelemetrySpan
  readonly startMs: number
  readonly endMs: number
  readonly children: Node[]
  linked: boolean
}

const keyOf = ({ traceId, spanId }: { traceId: string; spanId: string }): string => `${traceId} ${spanId}`

/** @param spans at least one, in any order */
export function waterfallOf(spans: readonly TelemetrySpan[]): Waterfall {
  const first = spans.reduce(
    (least, span) => {
      const start = BigInt(span.startTimeUnixNano)
      return start < least ? start : least
    },
    BigInt(spans[0]?.startTimeUnixNano ?? 0),
  )
  const since = (nanos: string) => Number(BigInt(nanos) - first) / 1e6
  const nodes = new Map(
    spans.map((span): [string, Node] => [
      keyOf(span),
      {
        span,
        startMs: since(span.startTimeUnixNano),
        endMs: Math.max(since(span.startTimeUnixNano), since(span.endTimeUnixNano)),
        children: [],
        linked: false,
      },
    ]),
  )
  const roots = [...nodes.values()].filter((node) => !adopted(node, nodes))
  const totalMs = Math.max(0, ...[...nodes.values()].map(({ endMs }) => endMs))
  const critical = criticalOf(roots)
  const rows: Row[] = []
  for (const root of sorted(roots)) walk(root, 0, critical, rows)
  return { rows, totalMs, startedAt: new Date(Number(first / 1_000_000n)).toISOString() }
}

/** Puts a node under its parent, or under what it is linked to. @returns false when there is neither */
function adopted(node: Node, nodes: ReadonlyMap<string, Node>): boolean {
  const { span } = node
  const parent =
    span.parentSpanId === undefined ? undefined : nodes.get(keyOf({ traceId: span.traceId, spanId: span.parentSpanId }))
  const linked = span.links.map((link) => nodes.get(keyOf(link))).find((other) => other !== undefined && other !== node)
  const above = parent ?? linked
  // A link that leads below itself would make a ring.
  if (above === undefined || isBelow(above, node)) return false
  node.linked = parent === undefined
  above.children.push(node)
  return true
}

function isBelow(node: Node, top: Node): boolean {
  const pending = [top]
  for (let one = pending.pop(); one !== undefined; one = pending.pop()) {
    if (one === node) return true
    pending.push(...one.children)
  }
  return false
}

const sorted = (nodes: readonly Node[]): Node[] => nodes.toSorted((a, b) => a.startMs - b.startMs)

function walk(top: Node, depth: number, critical: ReadonlySet<Node>, rows: Row[]): void {
  // Not by recursion: a trace may be deeper than the stack.
  const pending: { node: Node; depth: number }[] = [{ node: top, depth }]
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    const { node } = next
    rows.push({
      span: node.span,
      depth: next.depth,
      startMs: node.startMs,
      durationMs: node.endMs - node.startMs,
      ownMs: ownOf(node),
      failed: node.span.status.code === 'error',
      linked: node.linked,
      children: node.children.length,
      critical: critical.has(node),
    })
    for (const child of sorted(node.children).toReversed()) pending.push({ node: child, depth: next.depth + 1 })
  }
}

/** What remains of a span without the stretches in which one of its children worked. */
function ownOf({ startMs, endMs, children }: Node): number {
  let covered = 0
  let until = startMs
  for (const child of sorted(children)) {
    const [from, to] = [Math.max(until, child.startMs), Math.min(endMs, child.endMs)]
    if (to > from) covered += to - from
    until = Math.max(until, to)
  }
  return endMs - startMs - covered
}

/** Backwards from what ended last: at each span the child that ended last before, and so on to its start. */
function criticalOf(roots: readonly Node[]): Set<Node> {
  const critical = new Set<Node>()
  const last = lastOf(roots)
  const above = new Map<Node, Node>()
  const pending = [...roots]
  for (let node = pending.pop(); node !== undefined; node = pending.pop())
    for (const child of node.children) {
      above.set(child, node)
      pending.push(child)
    }
  for (let node = last; node !== undefined && !critical.has(node); node = above.get(node)) critical.add(node)
  return critical
}

function lastOf(roots: readonly Node[]): Node | undefined {
  let last: Node | undefined
  const pending = [...roots]
  for (let node = pending.pop(); node !== undefined; node = pending.pop()) {
    if (last === undefined || node.endMs > last.endMs) last = node
    pending.push(...node.children)
  }
  return last
}

/** The order that a trace is about, if any of its spans names one. */
export function orderOf(spans: readonly TelemetrySpan[]): string | undefined {
  const uuid = /[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}/
  for (const { service, attributes, name } of spans) {
    const direct = attributes['svyaz.order.id'] ?? attributes['order.id']
    if (typeof direct === 'string') return direct
    const path = String(attributes['url.path'] ?? '')
    if (path.startsWith('/orders/') && uuid.test(path)) return uuid.exec(path)?.[0]
    const key = attributes['messaging.kafka.message.key'] ?? attributes['messaging.message.key']
    if (service === 'orders' && /order\./.test(name) && typeof key === 'string') return key
  }
  return undefined
}
