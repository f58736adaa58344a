/**
 * What the mail sink holds, for pages: a list without texts, one mail, and its HTML as a document of its own. Mails hold
 * what people are told, so where operators have to sign in, reading them needs one too.
 */
import { Problem, send, sendJson } from '@svyaz/stage'
import type { MailView } from '../../protocol.ts'
import { type Answer, ask } from './requests.ts'
import { type Parts, passOn, type Route } from './route.ts'

/**
 * Of the HTML of a mail: no script, no form, nothing from anywhere, and shown inside our own page alone. The page's frame
 * forbids the same (`sandbox`); whoever opens the document by its address has this.
 */
const documentHeaders: Readonly<Record<string, string>> = {
  'content-security-policy':
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; font-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'self'; sandbox",
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  'cache-control': 'no-store',
}

/** What a page may ask the sink's list for. */
const asked = ['contains', 'before', 'limit'] as const

/** `GET /api/mails`, `GET /api/mails/{id}`, `GET /api/mails/{id}/html`. */
export const mailRoutes = (parts: Parts): readonly Route[] => [
  {
    method: 'GET',
    path: /^\/api\/mails$/,
    access: 'operator',
    handle: async ({ response, query }) => {
      const wanted = new URLSearchParams({ brief: 'true' })
      for (const name of asked) if (query.has(name)) wanted.set(name, query.get(name) ?? '')
      passOn(response, await askSink(parts, `/mails?${wanted}`))
    },
  },
  {
    method: 'GET',
    path: /^\/api\/mails\/(\d{1,12})$/,
    access: 'operator',
    handle: async ({ response, params: [id = ''] }) => {
      const answer = await askSink(parts, `/mails/${id}`)
      if (answer.status !== 200) return passOn(response, answer)
      // The HTML is a document of its own: it never becomes a part of the page.
      const { html, ...mail } = JSON.parse(answer.text) as MailView & { readonly html?: string }
      sendJson(response, 200, { ...mail, hasHtml: html !== undefined })
    },
  },
  {
    method: 'GET',
    path: /^\/api\/mails\/(\d{1,12})\/html$/,
    access: 'operator',
    handle: async ({ response, params: [id = ''] }) => {
      const answer = await askSink(parts, `/mails/${id}`)
      if (answer.status !== 200) return passOn(response, answer)
      const { html } = JSON.parse(answer.text) as { readonly html?: string }
      if (html === undefined) throw new Problem(404, 'not_found', 'this mail has no HTML')
      send(response, 200, 'text/html; charset=utf-8', html, documentHeaders)
    },
  },
]

/** @throws Problem 503 where no sink is known; Unreachable */
async function askSink(parts: Parts, path: string): Promise<Answer> {
  if (parts.mails === undefined) throw new Problem(503, 'no_mails', 'this console was told of no mail sink')
  return ask({ url: parts.mails }, { path })
}
