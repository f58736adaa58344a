/** Speaks HTTP to the gateway as any outside program does, byte for byte as told: nothing is normalised or added. */
import { Agent, request } from 'node:http'

export interface Answer<Body = unknown> {
  readonly status: number
  readonly headers: Readonly<Record<string, string | undefined>>
  /** Parsed when it is JSON, else the text. */
  readonly body: Body
}

export interface Ask {
  readonly token?: string | undefined
  readonly headers?: Readonly<Record<string, string>>
  /** Sent as JSON. */
  readonly body?: unknown
  /** Sent as it is instead of `body`, with no content type but one of `headers`. */
  readonly raw?: string | Buffer
}

const agent = new Agent({ keepAlive: true })

/** One request; rejects only when no answer came. `Body` is what the caller expects to find in it. */
// biome-ignore lint/suspicious/noExplicitAny: tests look into answers of every shape, the wrong ones too
export function ask<Body = any>(base: string, method: string, path: string, options: Ask = {}): Promise<Answer<Body>> {
  const { hostname, port } = new URL(base)
  const bytes = options.raw ?? (options.body === undefined ? undefined : JSON.stringify(options.body))
  const headers = {
    ...(options.token === undefined ? {} : { authorization: `Bearer ${options.token}` }),
    ...(options.body === undefined ? {} : { 'content-type': 'application/json' }),
    ...(bytes === undefined ? {} : { 'content-length': String(Buffer.byteLength(bytes)) }),
    ...options.headers,
  }
  return new Promise((resolve, reject) => {
    const sent = request({ hostname, port, method, path, headers, agent, timeout: 30_000 }, (response) => {
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.on('error', reject)
      response.on('end', () => {
        const text = Buffer.concat(chunks).toString('utf8')
        const isJson = /[/+]json\b/.test(response.headers['content-type'] ?? '')
        resolve({
          status: response.statusCode ?? 0,
          headers: response.headers as Record<string, string | undefined>,
          body: (isJson && text !== '' ? JSON.parse(text) : text) as Body,
        })
      })
    })
    sent.on('error', reject)
    sent.on('timeout', () => sent.destroy(new Error(`no answer to ${method} ${path} within 30 s`)))
    sent.end(bytes)
  })
}
