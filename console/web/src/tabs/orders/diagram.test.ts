import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Away, Process, TrackedOrder } from '../../../../protocol.ts'
import { recorded, recordedOrder } from '../../../../test/recorded.ts'
import { type Diagram, diagramOf, lanes, type Row } from './diagram.ts'
import { layoutOf, sizes, widthMin } from './layout.ts'

const startMs = recordedOrder.trace?.hops[0]?.atMs ?? 0
const iso = (ms: number) => new Date(startMs + ms).toISOString()
const away = (service: string, fromMs: number, untilMs?: number): Away => ({
  service,
  instances: [`${service}-1`, `${service}-2`],
  cause: 'killed',
  from: iso(fromMs),
  ...(untilMs === undefined ? {} : { until: iso(untilMs) }),
})
const killed = [away('payments', -90, 950)]
const told = ({ rows }: Diagram): string[] =>
  rows.map((row) => {
    if (row.kind === 'call')
      return `${row.from} ${row.protocol} ${row.to}${row.error === undefined ? '' : ` failed ${row.tries}`}`
    if (row.kind === 'event') return row.type
    if (row.kind === 'wait') return `wait ${row.status}${row.down ? ' down' : ''}${row.live ? ' live' : ''}`
    if (row.kind === 'step') return `${row.lane}: ${row.entry.code}`
    return `${row.service} ${row.kind}`
  })

test('the whole way of an order, with what was away', () => {
  assert.deepEqual(told(diagramOf(recordedOrder, killed, [], 0)), [
    'payments down',
    'user http gateway',
    'gateway http orders',
    'orders grpc inventory',
    'orders http users',
    'order.created',
    'stock.reserved',
    'orders grpc payments failed 1',
    'order.processing',
    'orders grpc payments failed 2',
    'payment.charge',
    'wait processing down',
    'payments back',
    'payments http payment-processor',
    'payment.completed',
    'order.paid',
    'delivery.scheduled',
    'wait paid',
    'delivery grpc orders',
    'delivery.shipped',
    'order.shipped',
    'wait shipped',
    'delivery.delivered',
    'order.completed',
  ])
})

test('rows are in the order of time, and each has a key of its own', () => {
  const { rows } = diagramOf(recordedOrder, killed, [], 0)
  const times = rows.map(({ atMs }) => atMs)
  assert.deepEqual(
    times.filter((_, index) => rows[index]?.kind !== 'wait'),
    times.filter((_, index) => rows[index]?.kind !== 'wait').toSorted((a, b) => a - b),
  )
  assert.equal(new Set(rows.map(({ key }) => key)).size, rows.length)
})

test('a service is away from its last ready instance to its first one again: a row each', () => {
  const { rows, survived, downtimes } = diagramOf(recordedOrder, killed, [], 0)
  const [down, back] = rows.filter((row) => row.kind === 'down' || row.kind === 'back')
  assert.ok(down?.kind === 'down' && back?.kind === 'back')
  assert.deepEqual(down.instances, ['payments-1', 'payments-2'])
  assert.equal(Math.round(down.lastedMs ?? 0), 90)
  assert.equal(Math.round(back.lastedMs ?? 0), 1_040)
  assert.deepEqual(
    survived.map(({ service, cause, ms }) => [service, cause, Math.round(ms)]),
    [['payments', 'killed', 1_040]],
  )
  assert.deepEqual(downtimes, [{ lane: 'payments', fromKey: down.key, untilKey: back.key }])
})

test('an outage before or after the order is not its story, nor is one of another machine part', () => {
  const others = [away('orders', -9_000, -8_000), away('users', 60_000, 61_000), away('console', 10, 900)]
  assert.deepEqual(diagramOf(recordedOrder, others, [], 0).survived, [])
})

test('who handles an event is not waited for: only what nothing covers is a wait', () => {
  const { trace } = recordedOrder
  assert.ok(trace)
  const charge = trace.hops.find((hop) => hop.kind === 'event' && hop.type === 'payment.charge')
  assert.ok(charge?.kind === 'event')
  const busy = { ...charge, taken: charge.taken.map((taker) => ({ ...taker, atMs: charge.atMs + 5, durationMs: 900 })) }
  const hops = trace.hops.map((hop) => (hop === charge ? busy : hop))
  const rows = told(diagramOf({ ...recordedOrder, trace: { ...trace, hops } }, [], [], 0))
  assert.ok(told(diagramOf(recordedOrder, [], [], 0)).includes('wait processing'))
  assert.ok(!rows.includes('wait processing'), rows.join())
})

test('steps of another trace that is not there yet are told by the story', () => {
  const [first] = recorded.story.steps
  assert.ok(first)
  const at = new Date(startMs + 400).toISOString()
  const asked = {
    ...first,
    at,
    traceId: 'f'.repeat(32),
    code: 'cancel_requested' as const,
    data: { reason: 'cancelled_by_user' },
  }
  const story = { ...recorded.story, steps: [...recorded.story.steps, asked] }
  assert.ok(told(diagramOf({ ...recordedOrder, story }, [], [], 0)).includes('orders: cancel_requested'))
})

test('what reached the user stands with the event that caused it', () => {
  const { rows } = diagramOf(recordedOrder, [], [], 0)
  const got = rows.flatMap((row) =>
    row.kind === 'event' && (row.frame || row.mail) ? [[row.type, row.frame, row.mail]] : [],
  )
  assert.deepEqual(
    got.find(([type]) => type === 'order.shipped'),
    ['order.shipped', true, false],
  )
  assert.deepEqual(
    got.find(([type]) => type === 'order.completed'),
    ['order.completed', true, true],
  )
})

test('without a trace the story alone is told; the trace then takes the place of its steps', () => {
  const { trace: _, ...without } = recordedOrder
  const alone = diagramOf(without, [], [], 0)
  assert.equal(alone.storyOnly, true)
  assert.ok(told(alone).includes('payments: payment_charged'))
  const both = diagramOf(recordedOrder, [], [], 0)
  assert.deepEqual(
    both.rows.filter(({ kind }) => kind === 'step'),
    [],
  )
})

test('a step that came after the trace was read is told by the story until the trace has it', () => {
  const { trace } = recordedOrder
  assert.ok(trace)
  const delivered = recorded.story.steps.find(({ code }) => code === 'delivery_delivered')
  const hops = trace.hops.filter((hop) => hop.atMs < Date.parse(delivered?.at ?? '') - 200)
  const rows = told(diagramOf({ ...recordedOrder, trace: { ...trace, hops } }, [], [], 0))
  assert.equal(rows.at(-1), 'delivery: delivery_delivered')
})

const instance = (name: string, status: Process['status']): Process => ({
  name,
  service: 'payments',
  kind: 'service',
  status,
  ports: {},
  restarts: 0,
  memoryBudgetMb: 70,
  scalable: true,
})

test('an order under way ends in what it waits for, and says when nobody is there', () => {
  const { trace } = recordedOrder
  assert.ok(trace)
  const hops = trace.hops.filter((hop) => hop.atMs < startMs + 300)
  const under: TrackedOrder = {
    user: 'ada',
    order: { ...recordedOrder.order, status: 'processing' },
    trace: { ...trace, hops },
  }
  const last = (processes: readonly Process[]): Row | undefined =>
    diagramOf(
      under,
      killed.map(({ until: _, ...open }) => open),
      processes,
      startMs + 5_000,
    ).rows.at(-1)
  const waiting = last([instance('payments-1', 'starting'), instance('payments-2', 'backing-off')])
  assert.ok(waiting?.kind === 'wait' && waiting.live && waiting.down)
  assert.equal(Math.round((waiting.untilMs - startMs) / 1_000), 5)
  const half = last([instance('payments-1', 'ready'), instance('payments-2', 'backing-off')])
  assert.ok(half?.kind === 'wait' && half.live && !half.down)
})

test('the layout gives every lane and row a place of its own, and never less width than can be read', () => {
  const diagram = diagramOf(recordedOrder, killed, [], 0)
  for (const available of [300, widthMin, 1_400]) {
    const layout = layoutOf(diagram, available)
    assert.equal(layout.width, Math.max(available, widthMin))
    const places = lanes.map((lane) => layout.x[lane])
    assert.ok(
      places.every((x, index) => x - (places[index - 1] ?? sizes.gutter) >= (index === 0 ? 0 : sizes.laneMin - 1)),
    )
    assert.ok((places.at(-1) ?? 0) < layout.width)
    assert.ok(
      layout.rows.every(
        ({ y, height }, index) => y - height / 2 >= (index === 0 ? sizes.head : (layout.rows[index - 1]?.y ?? 0)),
      ),
    )
    assert.ok((layout.rows.at(-1)?.y ?? 0) < layout.height)
    assert.equal(layout.downtimes.length, 1)
    assert.ok((layout.downtimes[0]?.until ?? 0) > (layout.downtimes[0]?.from ?? 0))
  }
})
