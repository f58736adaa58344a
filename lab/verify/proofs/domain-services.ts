/** R2: what each domain service does with an order, a user, a notification. */

import { ask } from '@svyaz/observe/http.ts'
import { calledOverGrpc } from '@svyaz/observe/traces.ts'
import { until } from '@svyaz/observe/until.ts'
import { LivePage, pageWithFiles, reached, tokensIn } from '../browser.ts'
import { recordLine } from '../command-line.ts'
import { booksOf, grpcHops, has, heldBy } from '../journey.ts'
import { completed, paidNow, undeliverable } from '../journeys.ts'
import { type OpenIdEvidence, signInByOpenId } from '../open-id.ts'
import type { Outside } from '../outside.ts'
import { faultsOf, proof } from '../proof.ts'
import { NotRun } from '../step.ts'

/** What must not work in OpenID Connect, and how it is refused (RFC 6749, 4.1.2.1 and 5.2; RFC 7662, 2.2). */
const refusals: Readonly<Record<keyof OpenIdEvidence['refused'], string>> = {
  wrongVerifier: 'invalid_grant',
  repeatedCode: 'invalid_grant',
  withoutPkce: 'invalid_request',
  foreignRedirect: 'page 400',
  revokedRefresh: 'invalid_grant',
  foreignIntrospection: 'inactive',
}

export const users = proof({
  gather: async (outside) => {
    const user = await outside.person('User')
    const { token, email, password, refreshToken } = user
    const me = await outside.gateway('GET', '/users/me', { token })
    const wrong = await outside.gateway('POST', '/auth/login', { body: { email, password: 'not the password' } })
    const refresh = (token: unknown) => outside.gateway('POST', '/auth/refresh', { body: { refreshToken: token } })
    const renewed = await refresh(refreshToken)
    const repeated = await refresh(refreshToken)
    const next = await refresh(renewed.body.refreshToken)
    const reused = await refresh(refreshToken)
    const notAdmin = await outside.gateway('POST', `/users/${user.id}/block`, { token: renewed.body.accessToken })
    const admin = await outside.admin()
    const openId = await signInByOpenId(outside, admin, await outside.person('Openid'))
    await outside.gateway('POST', `/users/${user.id}/block`, { token: admin.token })
    const event = await outside.records.wait(
      'user.blocked',
      ({ type, key }) => type === 'user.blocked' && key === user.id,
    )
    outside.noteRecords(event)
    const blocked = await outside.gateway('POST', '/auth/login', { body: { email, password } })
    const [row] = await outside.sql<{ status: string }>('users', 'SELECT status FROM users WHERE id = $1', [user.id])
    return {
      me: { status: me.status, sameId: me.body.id === user.id, roles: me.body.roles as string[] },
      wrong: wrong.status,
      renewed: renewed.status,
      repeatedSame: repeated.body.refreshToken === renewed.body.refreshToken,
      next: next.status,
      reused: reused.status,
      notAdmin: notAdmin.status,
      event: event[0]?.type ?? '',
      blocked: blocked.status,
      row: row?.status ?? '',
      openId,
    }
  },
  judge: ({ me, wrong, renewed, repeatedSame, next, reused, notAdmin, event, blocked, row, openId }) =>
    faultsOf(
      [openId.subject, 'the ID token of another program names somebody else'],
      [openId.opened === 200, `an access token of OpenID Connect was answered ${openId.opened}`],
      [openId.introspected, 'its own program is told that the token is not active'],
      [openId.refreshed, 'a refresh gave the same tokens again'],
      [openId.revoked === 401, `a revoked token was answered ${openId.revoked}`],
      ...Object.entries(refusals).map(([what, expected]): [boolean, string] => {
        const seen = openId.refused[what as keyof typeof refusals]
        return [seen === expected, `${what}: ${seen}, not ${expected}`]
      }),
      [me.status === 200 && me.sameId, `the signed-in user was answered ${me.status}`],
      [me.roles.includes('user'), `the roles of a new user are ${me.roles.join()}`],
      [wrong === 401, `a wrong password was answered ${wrong}`],
      [renewed === 200, `a refresh token was answered ${renewed}`],
      [repeatedSame && next === 200, `a refresh that was repeated at once gave other tokens, or ones answered ${next}`],
      [reused === 401, `a refresh token used again after its successor was answered ${reused}`],
      [notAdmin === 401 || notAdmin === 403, `a user blocked somebody: ${notAdmin}`],
      [event === 'user.blocked', 'user.blocked is in no topic'],
      [blocked === 403, `a blocked user logs in: ${blocked}`],
      [row === 'blocked', `the row says ${row}`],
    ),
})

export const inventory = proof({
  gather: async (outside) => {
    // A product of its own: other proofs order P-1001 meanwhile.
    const product = 'P-1007'
    const available = async () => Number((await outside.gateway('GET', `/products/${product}`)).body.available)
    const user = await outside.person('Stock')
    const items = [{ productId: product, quantity: 2 }]
    const before = await available()
    const kept = await outside.order(user, { items })
    const released = await outside.order(user, { items, paymentMethod: 'pm_declined' })
    const said = (type: string, key: string) =>
      outside.records.wait(`${type} of ${key}`, (record) => record.type === type && record.key === key)
    const records = [
      ...(await said('stock.reserved', kept.id)),
      ...(await said('stock.reserved', released.id)),
      ...(await said('stock.released', released.id)),
    ]
    outside.noteRecords(records)
    await outside.untilFinal(user, kept.id)
    const after = await available()
    const tooMuch = await outside.gateway('POST', '/orders', {
      token: user.token,
      body: { items: [{ productId: product, quantity: 1_000 }] },
    })
    const [sums] = await outside.sql<{ wrong: number; below: number }>(
      'inventory',
      `SELECT count(*) FILTER (WHERE available + reserved + sold <> stocked)::int AS wrong,
              count(*) FILTER (WHERE least(available, reserved, sold) < 0)::int AS below FROM stock`,
    )
    return { before, after, said: records.map(({ type }) => type), tooMuch: tooMuch.status, sums: sums! }
  },
  judge: ({ before, after, said, tooMuch, sums }) =>
    faultsOf(
      [after === before - 2, `available went from ${before} to ${after}, not to ${before - 2}`],
      [said.filter((type) => type === 'stock.reserved').length === 2, `the topic says ${said.join()}`],
      [said.includes('stock.released'), 'the declined order did not release its stock'],
      [tooMuch === 409, `an order for more than there is was answered ${tooMuch}`],
      [sums.wrong === 0, `${sums.wrong} products where available + reserved + sold is not what was stocked`],
      [sums.below === 0, `${sums.below} products below zero`],
    ),
})

export const payments = proof({
  gather: async (outside) => {
    const [queued, now, failed] = [await completed(outside), await paidNow(outside), await undeliverable(outside)]
    const groups = await outside.topics.groups(['payment-workers'])
    outside.note('kafka-consumer-groups --describe --group payment-workers', JSON.stringify(groups))
    return {
      queued: booksOf(queued),
      now: { ...booksOf(now), hops: grpcHops(now.hops) },
      failed: booksOf(failed),
      members: groups[0]?.members ?? [],
    }
  },
  judge: ({ queued, now, failed, members }) => {
    const partitions = members.flatMap((member) => member.partitions)
    return faultsOf(
      [members.length >= 2, `payment-workers has ${members.length} members`],
      [
        partitions.length > 0 && new Set(partitions).size === partitions.length,
        `the members own ${partitions.length} partitions, ${new Set(partitions).size} different ones`,
      ],
      [has(queued, 'payment.charge') && has(queued, 'payment.completed'), 'the queued order has no task or no result'],
      [
        queued.ledger.length === 1 && heldBy(queued.ledger) === queued.totalMinor,
        `the provider booked ${JSON.stringify(queued.ledger)} for ${queued.totalMinor}`,
      ],
      [calledOverGrpc(now.hops, 'orders', 'payments', 'ProcessPayment'), 'ProcessPayment was not called'],
      [!has(now, 'payment.charge'), 'the order paid now has a task too'],
      [
        now.ledger.length === 1 && heldBy(now.ledger) === now.totalMinor,
        `the provider booked ${JSON.stringify(now.ledger)} for the order paid now`,
      ],
      [failed.payment.status === 'refunded', `the payment of the undeliverable order is ${failed.payment.status}`],
      [heldBy(failed.ledger) === 0, `the provider still holds ${heldBy(failed.ledger)}`],
    )
  },
})

export const delivery = proof({
  gather: async (outside) => ({
    arrived: booksOf(await completed(outside)),
    failed: booksOf(await undeliverable(outside)),
  }),
  judge: ({ arrived, failed }) => {
    const steps = arrived.records.filter(({ topic }) => topic === 'delivery.events').map(({ type }) => type)
    const wanted = ['delivery.scheduled', 'delivery.shipped', 'delivery.delivered']
    return faultsOf(
      [steps.join() === wanted.join(), `the parcel went ${steps.join()}`],
      [arrived.delivery === 'delivered', `the delivery is ${arrived.delivery}`],
      [arrived.positions > 0, 'no position of the parcel came'],
      [has(failed, 'delivery.failed'), 'delivery.failed is in no topic'],
      [failed.status === 'cancelled', `the order that could not be delivered ended ${failed.status}`],
      [failed.payment.status === 'refunded', `its payment is ${failed.payment.status}`],
    )
  },
})

export const notifications = proof({
  gather: async (outside) => {
    const { frames, mails, records, orderId } = await completed(outside)
    const about = records.map(({ id, type }) => ({ id, type }))
    outside.note(
      `npx svyaz topics orders.events --key ${orderId}`,
      `${records.length} records in ${new Set(records.map(({ topic }) => topic)).size} topics`,
    )
    return { frames, mails, about }
  },
  judge: ({ frames, mails, about }) => [
    ...faultsOf(
      [frames.length >= 5, `${frames.length} frames`],
      [mails.length >= 3, `${mails.length} mails: ${mails.map(({ subject }) => subject).join()}`],
    ),
    ...frames
      .filter(({ eventId, kind }) => !about.some(({ id, type }) => id === eventId && type === kind))
      .map(({ kind, eventId }) => `the frame ${kind} names the event ${eventId}, which is in no topic`),
    // The first one, the welcome, is about the user and not the order.
    ...mails
      .filter(({ subject }) => !/welcome/i.test(subject))
      .filter(({ messageId }) => !about.some(({ id }) => messageId.includes(id)))
      .map(({ subject, messageId }) => `the mail "${subject}" names ${messageId}, which is not an event`),
  ],
})

const prefixes = {
  '/users/me': 'users',
  '/orders?userId=me': 'orders',
  '/payments?orderId=me': 'payments',
  '/deliveries?orderId=me': 'delivery',
  '/notifications': 'notifications',
  '/products?limit=1': 'inventory',
} as const

export const gateway = proof({
  gather: async (outside) => {
    const user = await outside.person('Gate')
    const { token } = user
    const routed = []
    for (const [path, service] of Object.entries(prefixes)) {
      // The service itself is to answer, not what is kept of it.
      const headers = { 'cache-control': 'no-cache' }
      const answer = await outside.gateway('GET', path.replace('=me', `=${user.id}`), { token, headers })
      const hops = await outside.trace(answer.headers['x-trace-id'] ?? '', (found) =>
        found.some((hop) => hop.service === service && hop.kind === 'server' && hop.from === 'gateway'),
      )
      const reached = hops.find(
        (hop) =>
          hop.kind === 'server' && hop.over === 'http' && hop.from === 'gateway' && hop.what !== '/oauth2/introspect',
      )
      routed.push({ path, wanted: service, status: answer.status, reached: reached?.service ?? 'nobody' })
    }
    const last = await outside.gateway('GET', '/users/me', { token })
    const traceId = last.headers['x-trace-id'] ?? ''
    const line = await until('the request in the log of the gateway', async () =>
      (await outside.logs('gateway', 400)).find((text) => text.includes(traceId)),
    )
    outside.note(`npx svyaz logs gateway | grep ${traceId}`, line.slice(0, 200))
    const anonymous = await outside.gateway('GET', '/users/me')
    const forbidden = await outside.gateway('GET', '/admin/orders/embedded', { token })
    const open = await outside.gateway('GET', '/products?limit=1')
    const kept = await keptAnswer(outside)
    const order = await outside.order(user)
    const details = await outside.gateway('GET', `/orders/${order.id}/details`, { token })
    const balanced = await balancing(outside)
    const busy = await outside.person('Hasty')
    const statuses = (
      await Promise.all(Array.from({ length: 110 }, () => outside.look('GET', '/users/me', { token: busy.token })))
    ).map(({ status }) => status)
    const served = statuses.filter((status) => status === 200).length
    const limited = statuses.filter((status) => status === 429).length
    outside.note('110 × GET /users/me of one user', `${served} × 200, ${limited} × 429`)
    return {
      routed,
      logged: line.includes(traceId),
      anonymous: anonymous.status,
      forbidden: forbidden.status,
      policy: open.headers['ratelimit-policy'] ?? '',
      kept,
      details: {
        order: details.body.order?.id === order.id,
        user: details.body.user?.id === user.id,
        products: Number(details.body.products?.length),
        incomplete: (details.body.incomplete ?? ['all']) as string[],
      },
      left: Number(/r=(\d+)/.exec(open.headers.ratelimit ?? '')?.[1] ?? Number.NaN),
      balanced,
      served,
      limited,
    }
  },
  judge: ({ routed, logged, anonymous, forbidden, policy, left, kept, details, balanced, served, limited }) => [
    ...routed
      .filter(({ status, wanted, reached }) => status !== 200 || reached !== wanted)
      .map(({ path, status, reached, wanted }) => `${path} answered ${status} from ${reached}, not from ${wanted}`),
    ...faultsOf(
      [logged, 'the request is not in the log'],
      [anonymous === 401, `without a token: ${anonymous}`],
      [forbidden === 403, `a user was answered ${forbidden} where only administrators may`],
      [/"address";q=1000;w=1\b/.test(policy), `the limit per address is declared as ${policy}`],
      [left >= 0 && left < 1_000, `the limit per address is not counted: ${left} left`],
      [/hit/.test(kept), `an answer that was kept says ${kept}`],
      [details.order && details.user && details.products > 0, `the details are ${JSON.stringify(details)}`],
      [details.incomplete.length === 0, `the details lack ${details.incomplete.join()}`],
      [balanced.length >= 2, `all went to ${balanced.join()}`],
      // A second run may meet a minute that has begun; the limit is still a hundred.
      [served === 100 && limited === 10, `of 110 requests of one user ${served} were served and ${limited} limited`],
    ),
  ],
})

/** Cache-Status of a product that was asked for before; no other proof orders it, which would end what is kept of it. */
async function keptAnswer(outside: Outside): Promise<string> {
  const status = await until('an answer that was kept', async () => {
    const { headers } = await outside.gateway('GET', '/products/P-1012')
    return /hit/.test(headers['cache-status'] ?? '') ? headers['cache-status'] : undefined
  })
  outside.note('GET /products/P-1012, twice: Cache-Status', status)
  return status
}

/** Which instances of payments answer a handful of requests. */
async function balancing(outside: Outside): Promise<string[]> {
  const user = await outside.person('Balance')
  const calls = new Set<string>()
  for (let n = 0; n < 12 && calls.size < 2; n++) {
    const answer = await outside.look('GET', `/payments?orderId=${user.id}`, { token: user.token })
    const hops = await outside.trace(answer.headers['x-trace-id'] ?? '', (found) =>
      found.some(({ called }) => called?.startsWith('payments')),
    )
    const called = hops.find(({ called: whom }) => whom?.startsWith('payments'))?.called
    if (called !== undefined) calls.add(called)
  }
  return [...calls]
}

export const webBff = proof({
  gather: async (outside) => {
    const base = await outside.url('console')
    const page = await outside.ask('GET', `${base}/`)
    const session = await outside.ask('GET', `${base}/api/session`)
    const cookie = String([session.headers['set-cookie']].flat()[0] ?? '').split(';')[0] ?? ''
    if (session.status !== 200) throw new NotRun(`the console answers ${session.status}`)
    const headers = { cookie, origin: base, 'x-svyaz-csrf': String(session.body.csrf) }
    const body = { items: [{ productId: 'P-1001', quantity: 1 }] }
    using live = new LivePage(base, { cookie, origin: base })
    await live.until('the snapshot', ['"type":"snapshot"'])
    const placed = await until('the console to have signed in its users', async () => {
      const answer = await outside.ask('POST', `${base}/api/users/ada/orders`, { headers, body })
      return answer.status === 201 && answer
    })
    const orderId = String(placed.body.id)
    const [created] = await outside.records.wait(
      'its order.created',
      ({ type, key }) => type === 'order.created' && key === orderId,
    )
    outside.note(`npx svyaz topics orders.events --key ${orderId}`, recordLine(created!))
    const traceId = created!.headers.traceparent?.split('-')[1] ?? ''
    const hops = await outside.trace(traceId, (found) => found.some(({ service }) => service === 'gateway'))
    await live.until('the end of its order', [orderId, '"completed"'])
    const logs = await ask('GET', `${base}/api/processes/gateway/logs?lines=50`, { headers })
    const forged = await outside.ask('POST', `${base}/api/users/ada/orders`, {
      headers: { cookie, origin: 'https://elsewhere.example' },
      body,
    })
    return {
      page: { status: page.status, isHtml: /<html/i.test(String(page.body)) },
      throughGateway: hops.some((hop) => hop.service === 'gateway' && hop.kind === 'server' && hop.what === '/orders'),
      reached: [
        ...(await pageWithFiles(outside, base, String(page.body))),
        reached('GET /api/session', JSON.stringify([session.body, session.headers])),
        reached('POST /api/users/ada/orders', JSON.stringify([placed.body, placed.headers])),
        reached('/api/live', live.texts.join('\n')),
        reached('GET /api/processes/gateway/logs', String(logs.body)),
      ],
      // That the search would find one: a token as this system makes them.
      control: tokensIn((await outside.person('Browser')).token).length,
      forged: forged.status,
    }
  },
  judge: ({ page, throughGateway, reached: all, control, forged }) => [
    ...faultsOf(
      [page.status === 200 && page.isHtml, `the page is answered ${page.status}`],
      [throughGateway, 'the order of the page did not go through the gateway'],
      [control > 0, 'a token of a user has a form that is not looked for'],
      [forged === 403, `another site's request was answered ${forged}`],
    ),
    ...['/', 'GET /api/session', 'POST /api/users/ada/orders', '/api/live', 'GET /api/processes/gateway/logs']
      .filter((what) => !all.some((one) => one.what === what && one.chars > 2))
      .map((what) => `${what} was not looked at`),
    ...faultsOf([all.some(({ what }) => what.endsWith('.js')), 'no script of the page was looked at']),
    ...all
      .filter(({ tokens }) => tokens.length > 0)
      .map(({ what, tokens }) => `a token reached the browser in ${what}: ${tokens.join(', ')}`),
  ],
})
