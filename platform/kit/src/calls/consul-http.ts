/** The few requests that the discovery client makes to the Consul HTTP API (v1), over node:http with one kept connection each. */
import { Agent, request } from 'node:http'

export interface ConsulAnswer {
  status: number
  /** `X-Consul-Index`: what the next blocking query waits beyond. */
  index: number | undefined
  /** Its `Date`, in ms; NaN without one. */
  date: number
  body: unknown
}

export interface ConsulHttp {
  send(
    method: 'GET' | 'PUT',
    path: string,
    options?: { body?: unknown; timeoutMs?: number; signal?: AbortSignal },
  ): Promise<ConsulAnswer>
  close(): void
}

const bodyBytesMax = 8 * 1024 * 1024
const timeoutMsDefault = 3_000

/**
 * Throws what the socket throws, and on no answer in `timeoutMs`. A status is an answer, whatever it is. `token` goes
 * with each request, as Consul's ACLs want it.
 */
export const createConsulHttp = (baseUrl: string, token?: string): ConsulHttp => {
  const agent = new Agent({ keepAlive: true, maxSockets: 64 })
  return {
    close: () => agent.destroy(),
    send: (method, path, options = {}) =>
      new Promise((resolve, reject) => {
        const payload = options.body === undefined ? undefined : JSON.stringify(options.body)
        const timeoutMs = options.timeoutMs ?? timeoutMsDefault
        const deadline = AbortSignal.timeout(timeoutMs)
        const outgoing = request(
          new URL(path, baseUrl),
          {
            method,
            agent,
            signal: options.signal === undefined ? deadline : AbortSignal.any([options.signal, deadline]),
            headers: {
              ...(payload === undefined ? {} : { 'content-type': 'application/json' }),
              ...(token === undefined ? {} : { 'x-consul-token': token }),
            },
          },
          (incoming) => {
            const chunks: Buffer[] = []
            let bytes = 0
            incoming.on('data', (chunk: Buffer) => {
              bytes += chunk.length
              if (bytes > bodyBytesMax) incoming.destroy(new Error('the answer of discovery is over the limit'))
              else chunks.push(chunk)
            })
            incoming.on('error', reject)
            incoming.on('end', () => {
              const index = Number(incoming.headers['x-consul-index'])
              const text = Buffer.concat(chunks).toString('utf8')
              const isJson = incoming.headers['content-type']?.startsWith('application/json') === true
              try {
                resolve({
                  status: incoming.statusCode ?? 0,
                  index: Number.isInteger(index) && index > 0 ? index : undefined,
                  date: Date.parse(incoming.headers.date ?? ''),
                  body: isJson && text !== '' ? JSON.parse(text) : text,
                })
              } catch (error) {
                reject(error)
              }
            })
          },
        )
        outgoing.on('error', reject)
        outgoing.end(payload)
      }),
  }
}
