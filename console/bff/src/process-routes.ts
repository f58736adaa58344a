/** How processes were, what can be done to them, and to the relay loop. What is done is an entry of the activity log. */
import { Problem, readJsonObject, sendJson } from '@svyaz/stage'
import { type Action, actions } from '../../protocol.ts'
import { limits } from './limits.ts'
import { acted, type Parts, passOn, type Route } from './route.ts'

/** What an operator does to processes: each needs the right to it and is noted in the activity log. */
export const processRoutes = (parts: Parts): readonly Route[] => [
  {
    method: 'GET',
    path: /^\/api\/processes\/past$/,
    access: 'page',
    handle: ({ response }) => {
      sendJson(response, 200, parts.past.kept)
    },
  },
  {
    method: 'POST',
    path: /^\/api\/processes\/([\w-]{1,64})\/(\w+)$/,
    access: 'operator',
    handle: async ({ request, response, params: [target = '', action = ''] }) => {
      await readJsonObject(request, limits.bodyBytesMax)
      if (!actions.includes(action as Action)) throw new Problem(404, 'not_found', `there is no action "${action}"`)
      if (/^console(?:-\d+)?$/.test(target) && !['kill', 'restart'].includes(action))
        throw new Problem(409, 'refused', 'a page can not bring back the console that it came from')
      await acted(parts, request, { action, target }, () => parts.supervisor.act(action as Action, target))
      sendJson(response, 200, {})
    },
  },
  {
    method: 'POST',
    path: /^\/api\/services\/([\w-]{1,64})\/scale\/(\d{1,2})$/,
    access: 'operator',
    handle: async ({ request, response, params: [service = '', count = ''] }) => {
      await readJsonObject(request, limits.bodyBytesMax)
      const asked = { action: 'scale', target: service, detail: count }
      await acted(parts, request, asked, () => parts.supervisor.scale(service, Number(count)))
      sendJson(response, 200, {})
    },
  },
  {
    method: 'POST',
    path: /^\/api\/relay\/(start|stop)$/,
    access: 'operator',
    handle: async ({ request, response, params: [what] }) => {
      await readJsonObject(request, limits.bodyBytesMax)
      const asked = { action: `relay-${what}`, target: 'relay' }
      passOn(response, await acted(parts, request, asked, () => parts.relay.command(what as 'start' | 'stop')))
    },
  },
]
