/** Orders, placed and cancelled as one of the demo users. */
import { readJsonObject } from '@svyaz/stage'
import type { OrderView } from '../../protocol.ts'
import { limits } from './limits.ts'
import { type Parts, passOn, type Route } from './route.ts'

/** Orders placed, changed and looked at for the people of the console. */
export const orderRoutes = ({ person, tracker, counts }: Parts): readonly Route[] => [
  {
    method: 'POST',
    path: /^\/api\/users\/(\w+)\/orders$/,
    access: 'page',
    handle: async ({ request, response, params: [name = ''] }) => {
      const asking = person(name)
      const key = request.headers['idempotency-key']
      const answer = await asking.ask({
        method: 'POST',
        path: '/orders',
        body: await readJsonObject(request, limits.bodyBytesMax),
        headers: typeof key === 'string' ? { 'idempotency-key': key } : {},
      })
      if (answer.status === 201) {
        counts.orders += 1
        tracker.placed(asking.user, JSON.parse(answer.text) as OrderView)
      }
      passOn(response, answer)
    },
  },
  {
    method: 'POST',
    path: /^\/api\/users\/(\w+)\/orders\/([\w-]{1,64})\/cancel$/,
    access: 'page',
    handle: async ({ request, response, params: [name = '', orderId = ''] }) => {
      await readJsonObject(request, limits.bodyBytesMax)
      passOn(response, await person(name).ask({ method: 'POST', path: `/orders/${orderId}/cancel` }))
    },
  },
]
