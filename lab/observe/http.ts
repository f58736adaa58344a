/** HTTP as any outside program speaks it, byte for byte as it is told: nothing is normalised or added. */
import { Agent, type IncomingMessage, request } from 'node:http'

// biome-ignore lint/suspicious/noExplicitAny: answers of every shape, wrong ones too, are looked into
export interface Answer<Body = any> {
  readonly status: number
  readonly headers: Readonly<Record<string, string | undefined>>
  /** Parsed when it is JSON, else the text. */
  readonly body: Body
  readonly tookMs: number
}

export interface Ask {
  readonly token?: string | undefined
  readonly headers?: Readonly<Record<string, string>>
  /** Sent as JSON. */
  readonly body?: unknown
  /** Sent as it is instead of `body`, with no content type but one of `headers`. */
  readonly raw?: string | Buffer
  readonly timeoutMs?: number
  /** Own address, for limits per address; default: the system's choice. */
  readonly from?: string | undefined
}

const agent = new Agent({ keepAlive: true, maxSockets: 256 })
const answerWithinMs = 30_000

/**
 * One request, whatever comes back. `Body` is what the caller expects to find.
 * @throws Error when no whole answer came in time: the request may have been carried out
 */
// biome-ignore lint/suspicious/noExplicitAny: as above
export function ask<Body = any>(method: string, url: string, options: Ask = {}): Promise<Answer<Body>> {
  const { origin, path } = split(url)
  const { token, from, timeoutMs = answerWithinMs } = options
  const bytes = options.raw ?? (options.body === undefined ? undefined : JSON.stringify(options.body))
  const headers = {
    ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
    ...(options.body === undefined ? {} : { 'content-type': 'application/json' }),
    ...(bytes === undefined ? {} : { 'content-length': String(Buffer.byteLength(bytes)) }),
    ...options.headers,
  }
  const startedAt = performance.now()
  return new Promise((resolve, reject) => {
    const localAddress = from === undefined ? {} : { localAddress: from }
    const sent = request(origin, { method, path, headers, agent, ...localAddress }, (response) => {
      read(response).then(
        (body) =>
          resolve({
            status: response.statusCode ?? 0,
            headers: response.headers as Record<string, string | undefined>,
            body: body as Body,
            tookMs: performance.now() - startedAt,
          }),
        reject,
      )
    })
    const late = new Error(`no answer to ${method} ${url} in ${timeoutMs / 1_000} s`)
    const patience = setTimeout(() => sent.destroy(late), timeoutMs)
    sent.once('close', () => clearTimeout(patience))
    sent.once('error', (error) => {
      // The other side closed a connection that was kept; nothing of a GET was done (RFC 9110, 9.2.2).
      if (sent.reusedSocket && method === 'GET' && error !== late) ask<Body>(method, url, options).then(resolve, reject)
      else reject(error)
    })
    sent.end(bytes)
  })
}

/** The path as it is, be it one at all: `new URL` would tidy it up. */
function split(url: string): { origin: string; path: string } {
  const [, origin = url, path = ''] = /^([a-z]+:\/\/(?:[\w.-]+|\[[\da-f:]+\])(?::\d+)?)(.*)$/s.exec(url) ?? []
  return { origin, path: path === '' ? '/' : path }
}

/** JSON as a value; anything else, and what only claims to be JSON, as it came. */
async function read(response: IncomingMessage): Promise<unknown> {
  let text = ''
  response.setEncoding('utf8')
  for await (const part of response) text += part
  if (!/[/+]json\b/.test(response.headers['content-type'] ?? '')) return text
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}

/** The answer, which must have this status. @throws Error that shows what came instead */
export async function demand<Body>(status: number, asked: Promise<Answer<Body>>): Promise<Answer<Body>> {
  const answer = await asked
  if (answer.status !== status) throw new Error(`${answer.status} instead of ${status}: ${JSON.stringify(answer.body)}`)
  return answer
}

/** Whether it is what was answered to the same Idempotency-Key before. */
export const wasReplayed = ({ headers }: Answer): boolean => headers['idempotency-replayed'] === 'true'

/** Trace of the request, by its W3C traceparent. */
export const traceIdOf = ({ headers }: Answer): string | undefined =>
  /^00-([0-9a-f]{32})-/.exec(headers.traceparent ?? '')?.[1]
