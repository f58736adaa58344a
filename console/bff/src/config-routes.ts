/**
 * Settings of the applications for pages: what holds, where it comes from, every change that was, and a change. All of it
 * is the config service's, by way of the gateway: as whoever signed in, else, on this machine, as who may read there.
 */
import { serviceNames } from '@svyaz/contracts/vocabulary.ts'
import { Problem, readJsonObject, sendJson } from '@svyaz/stage'
import { asAdministrator } from './as-administrator.ts'
import { limits } from './limits.ts'
import type { Answer } from './requests.ts'
import { acted, type Parts, passOn, type Route } from './route.ts'

const place = /^\/api\/settings\/([a-z][a-z0-9-]{0,62})\/([a-z][a-z0-9-]{0,62})$/
const history = /^\/api\/settings\/([a-z][a-z0-9-]{0,62})\/([a-z][a-z0-9-]{0,62})\/history$/

/** `GET /api/settings`: the applications; `GET` and `POST /api/settings/{application}/{profile}`, and its history. */
export const configRoutes = (parts: Parts): readonly Route[] => [
  {
    method: 'GET',
    path: /^\/api\/settings$/,
    access: 'page',
    handle: ({ response }) => {
      sendJson(response, 200, { applications: serviceNames })
    },
  },
  {
    method: 'GET',
    path: place,
    access: 'operator',
    handle: async ({ request, response, params: [application, profile] }) =>
      passOn(response, await asAdministrator(parts, request, { path: `/admin/${application}/${profile}` })),
  },
  {
    method: 'GET',
    path: history,
    access: 'operator',
    handle: async ({ request, response, params: [application, profile] }) =>
      passOn(response, await asAdministrator(parts, request, { path: `/admin/${application}/${profile}/history` })),
  },
  {
    method: 'POST',
    path: place,
    access: 'operator',
    handle: async ({ request, response, params: [application = '', profile = ''] }) => {
      const body = await readJsonObject(request, limits.bodyBytesMax)
      const names = Object.keys((body.properties ?? {}) as object)
      const asked = { action: 'configure', target: `${application}/${profile}`, detail: names.join(', ').slice(0, 200) }
      const change = { method: 'PUT', path: `/admin/${application}/${profile}`, body }
      passOn(response, await acted(parts, request, asked, () => taken(asAdministrator(parts, request, change))))
    },
  },
]

/** A refusal of the config service is one of this server too, so that the activity log says so. */
async function taken(answer: Promise<Answer>): Promise<Answer> {
  const { status, text } = await answer
  if (status < 400) return answer
  const { code = 'refused', detail = 'the config service refused it' } = problemOf(text)
  throw new Problem(status, code, detail)
}

function problemOf(text: string): { readonly code?: string; readonly detail?: string } {
  try {
    return JSON.parse(text) as { code?: string; detail?: string }
  } catch {
    return {}
  }
}
