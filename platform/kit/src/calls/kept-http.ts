/**
 * Requests to one address outside of the services, over kept connections. By node:http and not fetch, whose web streams
 * and signals cost several times as much as the request, and whose first call costs a process 30 ms (docs/cost.md).
 * No retries, no redirects: whoever asks decides.
 */
import { Agent, type IncomingMessage, request } from 'node:http'

export interface KeptRequest {
  readonly method: 'GET' | 'POST' | 'PUT'
  /** Default: that of the address. */
  readonly path?: string
  readonly headers: Readonly<Record<string, string>>
  readonly body?: string | Uint8Array
  /** For the whole answer. */
  readonly timeoutMs: number
}

export interface KeptAnswer {
  readonly status: number
  /** The header's text, or null. */
  readonly retryAfter: string | null
  /** No more of it than was asked for. */
  readonly body: string
}

export interface KeptLimits {
  readonly connectionsMax: number
  readonly answerCharsMax: number
  /** An unused connection is closed after so long, before the other end does it under a request. */
  readonly idleMs: number
}

/** `close` ends the connections. */
export class KeptHttp {
  readonly #url: URL
  readonly #limits: KeptLimits
  #agent: Agent | undefined

  /** @param url `http:` or `https:` */
  constructor(url: string, limits: KeptLimits) {
    this.#url = new URL(url)
    this.#limits = limits
  }

  /** Rejects with what the socket says, or when there is no whole answer in time. */
  async send({ method, path, headers, body, timeoutMs }: KeptRequest): Promise<KeptAnswer> {
    const url = path === undefined ? this.#url : new URL(path, this.#url)
    const https = url.protocol === 'https:' ? await import('node:https') : undefined
    const { connectionsMax, idleMs } = this.#limits
    this.#agent ??= new (https?.Agent ?? Agent)({ keepAlive: true, maxSockets: connectionsMax, timeout: idleMs })
    const agent = this.#agent
    const ask = https?.request ?? request
    const length = body === undefined ? {} : { 'content-length': String(Buffer.byteLength(body)) }
    const { promise, resolve, reject } = Promise.withResolvers<KeptAnswer>()
    const outgoing = ask(url, { method, agent, headers: { ...headers, ...length } }, (incoming) =>
      this.#read(incoming).then(resolve, reject),
    )
    const patience = setTimeout(() => {
      const late = new Error(`no answer in ${timeoutMs} ms`)
      outgoing.destroy(late)
      reject(late)
    }, timeoutMs)
    outgoing.on('error', reject)
    outgoing.end(body)
    try {
      return await promise
    } finally {
      clearTimeout(patience)
    }
  }

  close(): void {
    this.#agent?.destroy()
  }

  async #read(incoming: IncomingMessage): Promise<KeptAnswer> {
    incoming.setEncoding('utf8')
    const { answerCharsMax } = this.#limits
    let body = ''
    for await (const text of incoming) if (body.length < answerCharsMax) body += text
    return {
      status: incoming.statusCode ?? 0,
      retryAfter: incoming.headers['retry-after'] ?? null,
      body: body.slice(0, answerCharsMax),
    }
  }
}
