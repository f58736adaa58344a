/** R1.8: one question to the graph, compared with what each service says of the same by REST. */
import { operations } from '@svyaz/contracts/graphql/generated/operations.ts'
import type { Hop } from '@svyaz/observe/traces.ts'
import { until } from '@svyaz/observe/until.ts'
import type { Outside } from '../outside.ts'
import { faultsOf, proof } from '../proof.ts'

const parts = ['delivery', 'inventory', 'orders', 'payments', 'users'] as const

/** An order as both ways describe it. */
interface Described {
  readonly status: string
  readonly totalMinor: number
  readonly email: string
  readonly products: readonly string[]
  readonly paid: string
  readonly parcel: string
}

const byRest = async (outside: Outside, token: string, id: string): Promise<Described> => {
  const get = async (path: string) => (await outside.gateway('GET', path, { token })).body
  const [order, user, payments, deliveries] = await Promise.all([
    get(`/orders/${id}`),
    get('/users/me'),
    get(`/payments?orderId=${id}`),
    get(`/deliveries?orderId=${id}`),
  ])
  const lines = order.items as { productId: string }[]
  const products = await Promise.all(lines.map(({ productId }) => get(`/products/${productId}`)))
  return {
    status: order.status,
    totalMinor: order.total.amountMinor,
    email: user.email,
    products: products.map(({ name }) => name),
    paid: `${payments[0]?.status} ${payments[0]?.amount.amountMinor}`,
    parcel: `${deliveries[0]?.status} ${deliveries[0]?.trackingNumber}`,
  }
}

// biome-ignore lint/suspicious/noExplicitAny: an answer, whatever is in it
const described = (order: any): Described => ({
  status: order?.status,
  totalMinor: order?.total.amountMinor,
  email: order?.user?.email,
  products: order?.items.map((item: { product?: { name: string } }) => item.product?.name),
  paid: `${order?.payment?.status} ${order?.payment?.amount.amountMinor}`,
  parcel: `${order?.parcel?.status} ${order?.parcel?.trackingNumber}`,
})

const isAsked = ({ kind, over, from }: Hop) => kind === 'server' && over === 'http' && from === 'graphql'

export const graph = proof({
  gather: async (outside) => {
    const user = await outside.person('Graph')
    const stranger = await outside.person('Stranger')
    const { id } = await outside.order(user, {
      items: ['P-1001', 'P-1002'].map((productId) => ({ productId, quantity: 1 })),
    })
    await user.untilStatus(id, 'completed')
    const body = { query: operations['order-at-a-glance'], variables: { id } }
    // Its process is started last, and nobody waits for it.
    const answer = await until('an answer of the graph', async () => {
      const got = await outside.gateway('POST', '/graphql', { token: user.token, body })
      return got.status === 200 && got
    })
    const hops = await outside.trace(answer.headers['x-trace-id'] ?? '', (seen) =>
      parts.every((name) => seen.some((hop) => hop.service === name && isAsked(hop))),
    )
    const foreign = await outside.gateway('POST', '/graphql', { token: stranger.token, body })
    return {
      errors: answer.body.errors ?? [],
      joined: described(answer.body.data?.order),
      rest: await byRest(outside, user.token, id),
      asked: hops.filter(isAsked).map(({ service }) => service),
      statements: hops.filter(({ over }) => over === 'sql').map(({ service }) => service),
      foreign: { order: foreign.body.data?.order, code: foreign.body.errors?.[0]?.extensions?.code },
    }
  },
  judge: ({ errors, joined, rest, asked, statements, foreign }) =>
    faultsOf(
      [errors.length === 0, `the answer has errors: ${JSON.stringify(errors)}`],
      ...(Object.keys(rest) as (keyof Described)[]).map(
        (name) =>
          [
            JSON.stringify(joined[name]) === JSON.stringify(rest[name]) && joined[name] !== undefined,
            `${name} is ${JSON.stringify(joined[name])} in the graph and ${JSON.stringify(rest[name])} by REST`,
          ] as const,
      ),
      ...parts.map((name) => {
        const times = asked.filter((service) => service === name).length
        return [times === 1, `${name} was asked ${times} times by the router`] as const
      }),
      ...parts.map((name) => {
        const times = statements.filter((service) => service === name).length
        return [times === 1, `${name} needed ${times} SQL statements`] as const
      }),
      [
        foreign.order === null && foreign.code === 'not_found',
        `another user is answered ${JSON.stringify(foreign)} instead of null and not_found`,
      ],
    ),
})
