/** The public interface as a client outside uses it: HTTP through the gateway, every answer taken as it comes. */
import { Agent, request } from 'node:http'
import { setTimeout as delay } from 'node:timers/promises'

export interface Answer {
  readonly status: number
  // biome-ignore lint/suspicious/noExplicitAny: answers of every shape, refusals among them
  readonly body: any
  readonly replayed: boolean
  readonly traceId: string | undefined
  /** Seconds after which a refusal may be repeated. */
  readonly retryAfter: string | undefined
}

export interface Ask {
  readonly token?: string | undefined
  readonly idempotencyKey?: string
  readonly body?: unknown
  readonly timeoutMs?: number
  /** Own address, for limits per address; default: the system's choice. */
  readonly from?: string | undefined
}

const agent = new Agent({ keepAlive: true, maxSockets: 256 })

/** @throws Error when no whole answer came: the request may have been carried out */
export function ask(base: string, method: string, path: string, options: Ask = {}): Promise<Answer> {
  const { hostname, port } = new URL(base)
  const bytes = options.body === undefined ? undefined : JSON.stringify(options.body)
  const headers = {
    ...(options.token === undefined ? {} : { authorization: `Bearer ${options.token}` }),
    ...(options.idempotencyKey === undefined ? {} : { 'idempotency-key': options.idempotencyKey }),
    ...(bytes === undefined
      ? {}
      : { 'content-type': 'application/json', 'content-length': String(Buffer.byteLength(bytes)) }),
  }
  return new Promise((resolve, reject) => {
    const from = options.from === undefined ? {} : { localAddress: options.from }
    const sent = request({ hostname, port, method, path, headers, agent, ...from }, (response) => {
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.on('error', reject)
      response.on('end', () => {
        clearTimeout(patience)
        const text = Buffer.concat(chunks).toString('utf8')
        const isJson = /[/+]json\b/.test(response.headers['content-type'] ?? '')
        try {
          resolve({
            status: response.statusCode ?? 0,
            body: isJson && text !== '' ? JSON.parse(text) : text,
            replayed: response.headers['idempotency-replayed'] === 'true',
            traceId: /^00-([0-9a-f]{32})-/.exec(String(response.headers.traceparent ?? ''))?.[1],
            retryAfter: response.headers['retry-after'],
          })
        } catch (error) {
          reject(error)
        }
      })
    })
    const patience = setTimeout(() => sent.destroy(new Error('no answer in time')), options.timeoutMs ?? 15_000)
    sent.on('error', (error) => {
      clearTimeout(patience)
      reject(error)
    })
    sent.end(bytes)
  })
}

export interface User {
  readonly name: string
  readonly id: string
  readonly token: string
}

/** Registers a user and signs them in. */
export async function register(base: string, name: string, suffix: string): Promise<User> {
  const email = `${name}.${suffix}@example.org`
  const password = `${name} has a long password`
  await demand(
    201,
    patiently(() => ask(base, 'POST', '/users', { body: { email, password, name } })),
  )
  return signIn(base, name, email, password)
}

/**
 * Logs a user in that exists.
 * @param base URL of the gateway
 */
export async function signIn(base: string, name: string, email: string, password: string): Promise<User> {
  const { body } = await demand(
    200,
    patiently(() => ask(base, 'POST', '/auth/login', { body: { email, password } })),
  )
  return { name, id: body.userId, token: body.accessToken }
}

/**
 * The answer, if it has that status.
 * @throws Error with status and body otherwise
 */
const patienceMs = 60_000

/** Comes again when a refusal says so, as a client should: a machine with other work turns requests away. */
async function patiently(once: () => Promise<Answer>): Promise<Answer> {
  const giveUpAt = performance.now() + patienceMs
  for (;;) {
    const answer = await once()
    const again = answer.status === 429 || answer.status === 503
    if (!again || answer.retryAfter === undefined || performance.now() > giveUpAt) return answer
    await delay(Number(answer.retryAfter) * 1_000)
  }
}

/** The answer, which must have this status. @throws Error that shows what came instead */
export async function demand(status: number, asked: Promise<Answer>): Promise<Answer> {
  const answer = await asked
  if (answer.status !== status) throw new Error(`${answer.status} instead of ${status}: ${JSON.stringify(answer.body)}`)
  return answer
}
