/** Plain HTTP to a server under test. */

// biome-ignore lint/suspicious/noExplicitAny: bodies under test are looked into freely; the assertions are the check
export type Json = any

export interface Reply {
  readonly status: number
  readonly headers: Headers
  readonly text: string
  /** The body as JSON; undefined when it is not. */
  readonly json: Json
  readonly index: number
}

export type Send = (method: string, path: string, body?: unknown, headers?: Record<string, string>) => Promise<Reply>

/** @param url address without a path; bodies that are not text are sent as JSON */
export function client(url: string): Send {
  return async (method, path, body, headers) => {
    const response = await fetch(`${url}${path}`, {
      method,
      ...(headers === undefined ? {} : { headers }),
      ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
      signal: AbortSignal.timeout(20_000),
    })
    const text = await response.text()
    return {
      status: response.status,
      headers: response.headers,
      text,
      json: parse(text),
      index: Number(response.headers.get('x-consul-index')),
    }
  }
}

/** What is awaited in a test comes within seconds; after this it does not come. */
const followMs = 15_000

/** Follows an address with blocking queries until `wanted` holds, as a well-behaved client does. */
export async function follow(send: Send, path: string, wanted: (reply: Reply) => boolean): Promise<Reply> {
  let index = 0
  const untilMs = performance.now() + followMs
  while (performance.now() < untilMs) {
    const mark = path.includes('?') ? '&' : '?'
    const reply = await send('GET', index === 0 ? path : `${path}${mark}index=${index}&wait=5s`)
    if (wanted(reply)) return reply
    index = reply.index < index ? 0 : reply.index
  }
  throw new Error(`${path} never became what was awaited`)
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
