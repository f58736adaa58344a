/** What the API page may ask for, checked, and what it is shown of an answer. Pure. */
import { Problem } from '@svyaz/stage'
import type { HttpAnswered, HttpAsked } from '../../explore.ts'
import { limits } from './limits.ts'
import type { Answer } from './requests.ts'

const methods = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE']
/** What a form of the page sends; who asks, from where and under which trace isn't its to say. */
const headersTaken = ['accept', 'idempotency-key', 'if-match', 'if-none-match', 'last-event-id']

type Body = Readonly<Record<string, unknown>>
export type Request = Pick<HttpAsked, 'method' | 'path' | 'headers' | 'body'>

/**
 * The request that a page describes.
 * @throws Problem 400
 */
export function requestIn({ method, path, headers = {}, body }: Body): Request {
  if (typeof method !== 'string' || !methods.includes(method))
    throw new Problem(400, 'invalid_request', `method is one of ${methods.join(', ')}`)
  return { method, path: pathIn(path), headers: headersIn(headers), ...(body === undefined ? {} : { body }) }
}

/** @throws Problem 400 */
export function pathIn(path: unknown): string {
  if (typeof path !== 'string' || !/^\/(?!\/)[!-~]{0,4000}$/.test(path))
    throw new Problem(400, 'invalid_request', 'path begins with one slash and is encoded')
  return path
}

function headersIn(given: unknown): Record<string, string> {
  const entries = Object.entries((given ?? {}) as Record<string, unknown>).map(([name, value]) => {
    const known = headersTaken.find((one) => one === name.toLowerCase())
    if (known === undefined || typeof value !== 'string' || !/^[ -~]{0,2000}$/.test(value))
      throw new Problem(400, 'invalid_request', `headers that may be sent: ${headersTaken.join(', ')}`)
    return [known, value] as const
  })
  return Object.fromEntries(entries)
}

/** Whether it may change something; questions to the graph are posted and change nothing (decision 0081). */
export const changes = ({ method, path }: Pick<Request, 'method' | 'path'>): boolean =>
  method !== 'GET' && path.split('?', 1)[0] !== '/graphql'

/** @param ms from asking until the answer was there */
export function shown({ status, headers, text }: Answer, ms: number): HttpAnswered {
  const fields = fieldsShown(headers)
  const traceId = fields['x-trace-id']
  return {
    status,
    headers: fields,
    text: withoutTokens(text.slice(0, limits.exploreCharsShown)),
    bytes: Buffer.byteLength(text),
    ms,
    ...(traceId === undefined ? {} : { traceId }),
  }
}

/** Fields of a head, each as one text. */
export const fieldsShown = (headers: Answer['headers']): Record<string, string> =>
  Object.fromEntries(
    Object.entries(headers).flatMap(([name, value]) =>
      value === undefined || name === 'set-cookie' ? [] : [[name, String(value)]],
    ),
  )

/** Tokens don't come to browsers, those of somebody whose password was typed here neither. */
export const withoutTokens = (text: string): string =>
  text.replace(/("(?:access|refresh|id)_?token"\s*:\s*")[^"]+"/gi, '$1…"')
