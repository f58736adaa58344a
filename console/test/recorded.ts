/** An order recorded from the running system: paid by a call while both payments processes were away. */
import { readFileSync } from 'node:fs'
import { hopsOf, type Span } from '../bff/src/hops.ts'
import type { OrderView, Story, TrackedOrder } from '../protocol.ts'

interface Recorded {
  readonly order: OrderView
  readonly story: Story
  readonly spans: readonly Span[]
}

export const recorded = JSON.parse(
  readFileSync(new URL('./fixtures/order-with-payments-away.json', import.meta.url), 'utf8'),
) as Recorded

export const recordedOrder: TrackedOrder = {
  user: 'ada',
  order: recorded.order,
  story: recorded.story,
  trace: { traceIds: [recorded.spans[0]?.traceId ?? ''], spans: recorded.spans.length, hops: hopsOf(recorded.spans) },
}
