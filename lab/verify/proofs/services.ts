/** R2: services. */
import { once } from 'node:events'
import { connect } from 'node:net'
import type { OrderView } from '@svyaz/contracts/http/orders.ts'
import { calledOverGrpc, calledOverHttp } from '@svyaz/observe/traces.ts'
import { until } from '@svyaz/observe/until.ts'
import { recordLine } from '../command-line.ts'
import { changeWindowMs } from '../good-requests.ts'
import { completed } from '../journeys.ts'
import { judgeExchanges, judgeMeaning, replay, replayed } from '../order-service.ts'
import type { Outside } from '../outside.ts'
import { faultsOf, proof } from '../proof.ts'
import { withInstances, withSettings } from './as-before.ts'

export const orders = proof({
  disturbs: true,
  gather: async (outside) => {
    const user = await outside.person('Order')
    const product = await outside.gateway('GET', `/products/${replayed.productId}`)
    const exchanges = await replay((method, path, options) => outside.gateway(method, path, options), user)
    const { hops } = await completed(outside)
    return withSettings(outside, 'orders', { changeWindowMs }, async () => {
      const placed = await outside.order(user)
      const { token } = user
      const body = { items: [{ productId: 'P-1001', quantity: 3 }] }
      const changed = await outside.gateway('PATCH', `/orders/${placed.id}`, { token, body })
      const cancelled = await outside.gateway('POST', `/orders/${placed.id}/cancel`, { token })
      const ended = await outside.untilFinal(user, placed.id)
      return {
        exchanges,
        userId: user.id,
        unitMinor: Number(product.body.price?.amountMinor),
        userChecked: calledOverHttp(hops, 'orders', 'users', '/users/{id}'),
        stockChecked: calledOverGrpc(hops, 'orders', 'inventory', 'CheckAvailability'),
        changed: { status: changed.status, quantity: (changed.body as OrderView).items?.[0]?.quantity },
        cancelled: cancelled.status,
        ended: ended.status,
      }
    })
  },
  judge: ({ exchanges, userId, unitMinor, userChecked, stockChecked, changed, cancelled, ended }) => [
    ...judgeExchanges(exchanges),
    ...judgeMeaning(exchanges, { userId, unitMinor }),
    ...faultsOf(
      [userChecked, 'the user was not checked over HTTP'],
      [stockChecked, 'the stock was not checked over gRPC'],
      [changed.status === 200 && changed.quantity === 3, `the change answered ${changed.status}`],
      [cancelled === 200, `the cancellation answered ${cancelled}`],
      [ended === 'cancelled', `the cancelled order ended ${ended}`],
    ),
  ],
})

export const configuration = proof({
  disturbs: true,
  gather: async (outside) => {
    const admin = await outside.admin()
    const pids = async () =>
      (await outside.instances('orders')).map(({ name, pid }) => ({ instance: name, pid: pid ?? 0 }))
    const before = await pids()
    const value = 1_234
    return withSettings(outside, 'orders', { changeWindowMs: value }, async (applied) => {
      const [changed] = await outside.records.wait(
        'config.changed',
        ({ type, key, data }) =>
          type === 'config.changed' && key === 'orders' && JSON.stringify(data).includes('changeWindowMs'),
      )
      outside.note('npx svyaz topics config.events --key orders', recordLine(changed!))
      const put = (properties: object) =>
        outside.gateway('PUT', '/admin/orders/embedded', { token: admin.token, body: { properties } })
      const wrong = await put({ changeWindowMs: 'soon' })
      const unknown = await put({ changeWindowMs: 1, noSuchProperty: 1 })
      const kept = await outside.gateway('GET', '/admin/orders/embedded', { token: admin.token })
      return {
        before,
        applied,
        event: changed!.type,
        refused: [wrong.status, unknown.status],
        kept: kept.body.propertySources[0]?.source.changeWindowMs as unknown,
        value,
      }
    })
  },
  judge: ({ before, applied, event, refused, kept, value }) =>
    faultsOf(
      [
        before.length > 0 && applied.length === before.length,
        `${applied.length} of ${before.length} instances applied it`,
      ],
      [
        before.every(({ instance, pid }) => applied.some((one) => one.instance === instance && one.pid === pid)),
        'an instance was restarted',
      ],
      [event === 'config.changed', 'config.changed is not in its topic'],
      [refused.every((status) => status === 400 || status === 422), `wrong values were answered ${refused.join()}`],
      [kept === value, `after the refusals the value is ${kept}`],
    ),
})

/** Of the ports that an instance was given those at which somebody takes connections: no one must know the others. */
async function listening(ports: Readonly<Record<string, number>>): Promise<Record<string, string>> {
  const open: Record<string, string> = {}
  for (const [role, port] of Object.entries(ports)) {
    const socket = connect(port, '127.0.0.1')
    if (await once(socket, 'connect').then(Boolean, () => false)) open[role] = String(port)
    socket.destroy()
  }
  return open
}

interface Registered {
  readonly id: string
  readonly ports: Readonly<Record<string, string>>
}

const ttlSeconds = 1

/** How many instances pass of a service whose only check is a TTL: before a report, after one, and when it ran out. */
async function lifeOfTtl(
  outside: Outside,
  base: string,
): Promise<{ unheard: number; reported: number; expired: number }> {
  const name = 'verify-ttl'
  const passing = async () => {
    const { body } = await outside.ask('GET', `${base}/v1/health/service/${name}?passing`)
    return (body as unknown[]).length
  }
  await outside.ask('PUT', `${base}/v1/agent/service/register`, {
    body: { ID: name, Name: name, Address: '127.0.0.1', Port: 9, Check: { TTL: `${ttlSeconds}s` } },
  })
  try {
    const unheard = await passing()
    await outside.ask('PUT', `${base}/v1/agent/check/pass/service:${name}`)
    const reported = await passing()
    const expired = await until('the TTL to run out', async () => (await passing()) === 0, {
      timeoutMs: ttlSeconds * 5_000,
      everyMs: 250,
    }).then(
      () => 0,
      () => passing(),
    )
    return { unheard, reported, expired }
  } finally {
    await outside.ask('PUT', `${base}/v1/agent/service/deregister/${name}`)
  }
}

/** One instance of payments more: discovery lists it, the gateway calls it; and when it is stopped it is gone. */
async function grownAndShrunk(
  outside: Outside,
  listed: (service: string) => Promise<Registered[]>,
  called: () => Promise<string>,
) {
  const before = (await outside.instances('payments')).map(({ name }) => name)
  return withInstances(outside, 'payments', before.length + 1, async () => {
    const ready = await outside.untilReady('payments')
    const added = ready.map(({ name }) => name).find((name) => !before.includes(name)) ?? 'no other instance'
    const untilListed = (count: number) =>
      until(`${count} instances to be registered`, async () => {
        const found = await listed('payments')
        return found.length === count && found.map(({ id }) => id)
      })
    const grown = await untilListed(before.length + 1)
    // Of two picked at random the less busy is called: two of three times the new one isn't. Forty such in a row
    // are one in ten million.
    const calls = new Set<string>()
    for (let n = 0; n < 40 && !calls.has(added); n++) calls.add(await called())
    await outside.scale('payments', before.length)
    return { added, grown, calls: [...calls], shrunk: await untilListed(before.length) }
  })
}

export const discovery = proof({
  disturbs: true,
  gather: async (outside) => {
    const user = await outside.person('Found')
    const base = await outside.url('discovery')
    const listed = async (service: string): Promise<Registered[]> => {
      const { body } = await outside.ask('GET', `${base}/v1/health/service/${service}?passing`)
      return (body as { Service: { ID: string; Meta: Record<string, string> } }[]).map(({ Service }) => ({
        id: Service.ID,
        ports: Service.Meta,
      }))
    }
    const services = [
      ...new Set((await outside.instances()).filter(({ kind }) => kind === 'service').map((v) => v.service)),
    ]
    const registered: Registered[] = []
    for (const service of services) registered.push(...(await listed(service)))
    const running = await Promise.all(
      (await outside.instances())
        .filter(({ kind }) => kind === 'service')
        .map(async ({ name, ports }) => ({ id: name, ports: await listening(ports) })),
    )
    const called = async () => {
      const answer = await outside.look('GET', `/payments?orderId=${user.id}`, { token: user.token })
      const hops = await outside.trace(answer.headers['x-trace-id'] ?? '', (found) =>
        found.some(({ called }) => called?.startsWith('payments')),
      )
      return hops.find((hop) => hop.service === 'gateway' && hop.called?.startsWith('payments'))?.called ?? 'nobody'
    }
    const ttl = await lifeOfTtl(outside, base)
    return { registered, running, ttl, ...(await grownAndShrunk(outside, listed, called)) }
  },
  judge: ({ registered, running, ttl, added, grown, calls, shrunk }) => [
    ...running
      .filter(({ id }) => !registered.some((one) => one.id === id))
      .map(({ id }) => `${id} runs and is not registered`),
    ...registered
      .filter(({ id }) => !running.some((one) => one.id === id))
      .map(({ id }) => `${id} is registered and does not run`),
    ...registered.flatMap(({ id, ports }) => {
      const own = running.find((one) => one.id === id)?.ports ?? {}
      return (
        Object.entries(own)
          // The gateway's door for browsers is known by address: nobody looks for it in discovery.
          .filter(([role, port]) => role !== 'https' && ports[role] !== port)
          .map(([role, port]) =>
            ports[role] === undefined
              ? `${id} is registered without its ${role} port, ${port}`
              : `${id} is registered with ${role} ${ports[role]} and listens on ${port}`,
          )
      )
    }),
    ...running.filter(({ ports }) => Object.keys(ports).length === 0).map(({ id }) => `${id} listens nowhere`),
    ...faultsOf(
      [ttl.unheard === 0, 'a TTL check is passing before anybody reported'],
      [ttl.reported === 1, 'a TTL check that was reported to pass is not passing'],
      [ttl.expired === 0, `${ttlSeconds} s without a report and the TTL check still passes`],
    ),
    ...faultsOf(
      [grown.includes(added), 'the new instance was not registered'],
      [calls.includes(added), `the gateway called ${calls.join()}, never the new instance`],
      [calls.every((id) => grown.includes(id)), `the gateway called ${calls.join()}, which discovery does not list`],
      [!shrunk.includes(added), 'the stopped instance is still listed'],
    ),
  ],
})
