/** The spans of one order and of every gRPC method, as the telemetry process kept them. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { DeliveryServiceService } from '@svyaz/contracts/proto/generated/delivery.ts'
import { InventoryServiceService } from '@svyaz/contracts/proto/generated/inventory.ts'
import { OrderServiceService } from '@svyaz/contracts/proto/generated/orders.ts'
import { PaymentServiceService } from '@svyaz/contracts/proto/generated/payments.ts'
import { UserServiceService } from '@svyaz/contracts/proto/generated/users.ts'
import type { JoinedTrace, Span } from '@svyaz/observe/traces.ts'
import { until } from '@svyaz/observe/until.ts'
import { followedBySocket } from './graph-socket.ts'
import { callByGrpcWeb } from './grpc-web.ts'
import type { World } from './world.ts'

/** What a span is about, and how it is known. */
const sorts: Readonly<Record<string, (span: Span) => boolean>> = {
  'HTTP server': (span) => span.kind === 'server' && 'http.request.method' in span.attributes,
  'HTTP client': (span) => span.kind === 'client' && 'http.request.method' in span.attributes,
  'gRPC server': (span) => span.kind === 'server' && span.attributes['rpc.system'] === 'grpc',
  'gRPC client': (span) => span.kind === 'client' && span.attributes['rpc.system'] === 'grpc',
  SQL: (span) => span.kind === 'client' && span.attributes['db.system'] === 'postgresql',
  'from the outbox to a topic': (span) =>
    span.kind === 'producer' && String(span.attributes['messaging.destination.name']).endsWith('.events'),
  'from the outbox to the work queue': (span) =>
    span.kind === 'producer' && span.attributes['messaging.destination.name'] === 'payments.tasks',
  'from a topic': (span) => span.kind === 'consumer',
  mail: (span) => 'mail.message_id' in span.attributes,
  WebSocket: (span) => span.name === 'websocket send',
}
const servicesOfAnOrder = ['gateway', 'users', 'orders', 'inventory', 'payments', 'delivery', 'notifications']

/** Spans whose parent or link is not there, and roots beyond the first. */
export const loose = (spans: readonly Span[]): string[] => {
  const known = new Set(spans.map((span) => span.spanId))
  const roots = spans.filter((span) => span.parentSpanId === undefined)
  return [
    ...roots.slice(1).map((span) => `another root: ${span.service} ${span.name}`),
    ...spans
      .filter((span) => span.parentSpanId !== undefined && !known.has(span.parentSpanId))
      .map((span) => `no parent: ${span.service} ${span.name}`),
    ...spans.flatMap((span) =>
      span.links
        .filter((link) => !known.has(link.spanId))
        .map(() => `a link leads nowhere: ${span.service} ${span.name}`),
    ),
  ]
}

/** Who answers each method and who calls it, as the table in ARCHITECTURE.md says. */
export const documentedCalls = (): Map<string, { callee: string; callers: string[] }> => {
  const text = readFileSync(join(import.meta.dirname, '../../ARCHITECTURE.md'), 'utf8')
  const rows = text.matchAll(/^\| `(\w+Service\.\w+)` \| [^|]+ \| (\w+) \| ([\w, ]+) \|/gm)
  return new Map(
    [...rows].map(([, method, callee, caller]) => [method!, { callee: callee!, callers: caller!.split(', ') }]),
  )
}

/** Every gRPC method, as `package.Service/Method`. */
export const everyMethod = [
  OrderServiceService,
  InventoryServiceService,
  PaymentServiceService,
  DeliveryServiceService,
  UserServiceService,
].flatMap((service) => Object.values(service).map((method) => method.path.slice(1)))

/** `svyaz.orders.v1.OrderService/GetOrder` → `OrderService.GetOrder` */
export const shortName = (method: string): string => method.split('.').at(-1)!.replace('/', '.')

/** Reads the traces of orders and calls, and compares them with what was done. */
export const traceScenarios = (world: () => World): void => {
  describe('traces', () => {
    it('the spans of one order form one tree, with every service and every kind of hop in it', async () => {
      const w = world()
      const user = await w.register('Tina Trace')
      const feed = await user.openFeed()
      const placed = await user.order({ items: [{ productId: w.product(), quantity: 1 }] })
      await user.untilStatus(placed.id, 'completed')
      await user.untilTold(placed.id, 'mail_sent', 'order.completed')
      const story = await user.untilTold(placed.id, 'frame_sent', 'order.completed')
      await feed.close()
      const traceId = story.steps[0]!.traceId!
      assert.deepEqual(new Set(story.steps.map((step) => step.traceId)), new Set([traceId]), 'one story, one trace')

      let faults: string[] = []
      const { spans } = await until(
        'the tree of the order to be whole',
        async () => {
          const joined = await w.telemetry<JoinedTrace>(`/traces/${traceId}/joined`)
          const services = new Set(joined.spans.map((span) => span.service))
          faults = [
            ...loose(joined.spans),
            ...joined.missing.map((reference) => `missing: ${JSON.stringify(reference)}`),
            ...(joined.truncated ? ['truncated'] : []),
            ...servicesOfAnOrder.filter((name) => !services.has(name)).map((name) => `no span of ${name}`),
            ...Object.entries(sorts)
              .filter(([, isOne]) => !joined.spans.some(isOne))
              .map(([sort]) => `no span: ${sort}`),
          ]
          return faults.length === 0 && joined
        },
        { timeoutMs: 10_000, explain: () => faults.join('\n') },
      )
      const [root] = spans.filter((span) => span.parentSpanId === undefined)
      assert.deepEqual([root?.service, root?.kind, root?.attributes['http.route']], ['gateway', 'server', '/orders'])
      assert.ok(spans.some((span) => span.kind === 'consumer' && span.links.length === 1))
      // Spans come in batches: both readings must have the last of them.
      await until('nothing of it to be in another trace', async () => {
        const [joined, alone] = await Promise.all(
          ['/joined', ''].map((reading) => w.telemetry<Pick<JoinedTrace, 'spans'>>(`/traces/${traceId}${reading}`)),
        )
        return joined!.spans.length === alone!.spans.length
      })
    })

    it('every gRPC method was called in a working flow, by whom the docs say', async () => {
      const w = world()
      const documented = documentedCalls()
      assert.deepEqual([...documented.keys()].sort(), everyMethod.map(shortName).sort(), 'the table has every method')
      // A user's program, whose calls come so seldom that others would bury them.
      const user = await w.register('Gregor gRPC')
      const { id } = await user.order({ items: [{ productId: w.product(), quantity: 1 }] })
      const lines = [{ productId: w.product(), quantity: 1 }]
      for (const [path, message] of [
        [OrderServiceService.getOrder.path, OrderServiceService.getOrder.requestSerialize({ id })],
        [
          InventoryServiceService.checkAvailability.path,
          InventoryServiceService.checkAvailability.requestSerialize({ lines }),
        ],
      ] as const)
        assert.equal(await callByGrpcWeb(w.gateway, path.slice(1), message, user.token), 0)
      // The graph follows orders for its subscribers.
      assert.ok((await followedBySocket(user, id)).length >= 1)
      // A stream's spans end with it: the instance that holds it lets go.
      await w.system.restart('delivery')
      const calls = everyMethod.flatMap((method) => {
        const { callers, callee } = documented.get(shortName(method))!
        return callers.map((caller) => ({ method, caller, callee }))
      })
      for (const { method, caller, callee } of calls)
        await until(
          `a span of ${method} from ${caller} to ${callee}`,
          async () => {
            const found = await w.telemetry<{ traces: { traceId: string }[] }>(
              `/traces?tag=${encodeURIComponent(`rpc.method=${method}`)}&limit=20`,
            )
            for (const { traceId } of found.traces) {
              const { spans } = await w.telemetry<{ spans: readonly Span[] }>(`/traces/${traceId}`)
              const answered = spans.find(
                (span) => span.kind === 'server' && span.service === callee && span.attributes['rpc.method'] === method,
              )
              const asked = spans.find((span) => span.spanId === answered?.parentSpanId)
              if (asked?.service === caller && asked.kind === 'client') return true
            }
            return undefined
          },
          { timeoutMs: 10_000 },
        )
    })
  })
}
