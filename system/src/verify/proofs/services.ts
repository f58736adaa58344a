/** R2: services. */
import type { OrderView } from '@svyaz/contracts/http/orders.ts'
import { completed } from '../journeys.ts'
import { judgeExchanges, replay } from '../order-service.ts'
import type { Outside } from '../outside.ts'
import { faultsOf, proof } from '../proof.ts'
import { recordLine } from '../tap.ts'
import { calledOverGrpc, calledOverHttp } from '../traces.ts'
import { until } from '../until.ts'

/** Sets a property through the gateway and waits until every instance has it; `null` takes it away again. */
export async function configure(
  outside: Outside,
  application: string,
  name: string,
  value: unknown,
  isApplied: (settings: Record<string, unknown>) => boolean,
): Promise<{ instance: string; pid: number }[]> {
  const admin = await outside.admin()
  await outside.gateway('PUT', `/admin/${application}/embedded`, {
    token: admin.token,
    body: { properties: { [name]: value }, comment: 'svyaz verify' },
  })
  const views = await outside.instances(application)
  return Promise.all(
    views.map((view) =>
      until(`${view.name} to take ${name}`, async () => {
        const { settings, pid } = await outside.info(view.name)
        return isApplied(settings) && { instance: view.name, pid }
      }),
    ),
  )
}

const changeWindowMs = 4_000

export const orders = proof({
  disturbs: true,
  gather: async (outside) => {
    const user = await outside.person('Order')
    const exchanges = await replay((method, path, options) => outside.gateway(method, path, options), user)
    const { hops } = await completed(outside)
    const isWindow = (ms: number) => (settings: Record<string, unknown>) => settings.changeWindowMs === ms
    await configure(outside, 'orders', 'changeWindowMs', changeWindowMs, isWindow(changeWindowMs))
    try {
      const placed = await outside.order(user)
      const { token } = user
      const body = { items: [{ productId: 'P-1001', quantity: 3 }] }
      const changed = await outside.gateway('PATCH', `/orders/${placed.id}`, { token, body })
      const cancelled = await outside.gateway('POST', `/orders/${placed.id}/cancel`, { token })
      const ended = await outside.untilFinal(user, placed.id)
      return {
        exchanges,
        userChecked: calledOverHttp(hops, 'orders', 'users', '/users/{id}'),
        stockChecked: calledOverGrpc(hops, 'orders', 'inventory', 'CheckAvailability'),
        changed: { status: changed.status, quantity: (changed.body as OrderView).items?.[0]?.quantity },
        cancelled: cancelled.status,
        ended: ended.status,
      }
    } finally {
      await configure(outside, 'orders', 'changeWindowMs', null, isWindow(0))
    }
  },
  judge: ({ exchanges, userChecked, stockChecked, changed, cancelled, ended }) => [
    ...judgeExchanges(exchanges),
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
    const applied = await configure(outside, 'orders', 'changeWindowMs', value, (s) => s.changeWindowMs === value)
    try {
      const [changed] = await outside.tap.wait(
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
    } finally {
      await configure(outside, 'orders', 'changeWindowMs', null, (s) => s.changeWindowMs === 0)
    }
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
      [refused.every((status) => status === 400), `wrong values were answered ${refused.join()}`],
      [kept === value, `after the refusals the value is ${kept}`],
    ),
})

interface Registered {
  readonly id: string
  readonly ports: Readonly<Record<string, string>>
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
    const running = (await outside.instances())
      .filter(({ kind }) => kind === 'service')
      .map(({ name, ports }) => ({
        id: name,
        ports: Object.fromEntries(Object.entries(ports).map(([k, v]) => [k, String(v)])),
      }))
    const called = async () => {
      const answer = await outside.look('GET', `/payments?orderId=${user.id}`, { token: user.token })
      const hops = await outside.trace(answer.headers['x-trace-id'] ?? '', (found) =>
        found.some(({ called }) => called?.startsWith('payments')),
      )
      return hops.find((hop) => hop.service === 'gateway' && hop.called?.startsWith('payments'))?.called ?? 'nobody'
    }
    await outside.scale('payments', 3)
    try {
      await outside.untilReady('payments')
      const grown = await until('the third instance to be registered', async () => {
        const found = await listed('payments')
        return found.length === 3 && found.map(({ id }) => id)
      })
      // Of two picked at random the less busy is called: the new one has its turn soon.
      const calls = new Set<string>()
      for (let n = 0; n < 12 && !calls.has('payments-3'); n++) calls.add(await called())
      await outside.scale('payments', 2)
      const shrunk = (
        await until('it to be gone', async () => {
          const found = await listed('payments')
          return found.length === 2 && found
        })
      ).map(({ id }) => id)
      return { registered, running, grown, calls: [...calls], shrunk }
    } finally {
      await outside.scale('payments', 2)
    }
  },
  judge: ({ registered, running, grown, calls, shrunk }) => [
    ...running
      .filter(({ id }) => !registered.some((one) => one.id === id))
      .map(({ id }) => `${id} runs and is not registered`),
    ...registered
      .filter(({ id }) => !running.some((one) => one.id === id))
      .map(({ id }) => `${id} is registered and does not run`),
    ...registered.flatMap(({ id, ports }) => {
      const own = running.find((one) => one.id === id)?.ports ?? {}
      return Object.entries(own)
        .filter(([role, port]) => ports[role] !== undefined && ports[role] !== port)
        .map(([role, port]) => `${id} is registered with ${role} ${ports[role]} and listens on ${port}`)
    }),
    ...faultsOf(
      [grown.includes('payments-3'), 'the new instance was not registered'],
      [calls.includes('payments-3'), `the gateway called ${calls.join()}, never the new instance`],
      [calls.every((id) => grown.includes(id)), `the gateway called ${calls.join()}, which discovery does not list`],
      [!shrunk.includes('payments-3'), 'the stopped instance is still listed'],
    ),
  ],
})
