/** One HTTP request as an outside program makes it, and as a person would type it. */
import { Agent, request } from 'node:http'

export interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, string | undefined>>
  /** Parsed when it is JSON, else the text. */
  // biome-ignore lint/suspicious/noExplicitAny: answers of every shape, wrong ones too, are looked into
  readonly body: any
  readonly tookMs: number
}

export interface Ask {
  readonly token?: string | undefined
  readonly headers?: Readonly<Record<string, string>>
  /** Sent as JSON. */
  readonly body?: unknown
}

const agent = new Agent({ keepAlive: true, maxSockets: 64 })
const timeoutMs = 20_000

/** Rejects only when no answer came. */
export function ask(method: string, url: string, options: Ask = {}): Promise<Answer> {
  const { token, headers, body } = options
  const bytes = body === undefined ? undefined : JSON.stringify(body)
  const startedAt = performance.now()
  return new Promise((resolve, reject) => {
    const sent = request(
      url,
      {
        method,
        agent,
        timeout: timeoutMs,
        headers: {
          ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
          ...(bytes === undefined
            ? {}
            : { 'content-type': 'application/json', 'content-length': String(Buffer.byteLength(bytes)) }),
          ...headers,
        },
      },
      (response) => {
        let text = ''
        response.setEncoding('utf8')
        response.on('data', (part: string) => {
          text += part
        })
        response.on('error', reject)
        response.on('end', () =>
          resolve({
            status: response.statusCode ?? 0,
            headers: response.headers as Record<string, string | undefined>,
            body: parsed(text, response.headers['content-type'] ?? ''),
            tookMs: performance.now() - startedAt,
          }),
        )
      },
    )
    sent.once('timeout', () => sent.destroy(new Error(`${method} ${url}: no answer in ${timeoutMs / 1_000} s`)))
    sent.once('error', (error) => {
      // The other side closed a connection that was kept; nothing of a GET was done (RFC 9110, 9.2.2).
      if (sent.reusedSocket && method === 'GET') ask(method, url, options).then(resolve, reject)
      else reject(error)
    })
    sent.end(bytes)
  })
}

/** JSON as a value; anything else, and JSON that is none, as it came: that is for the proof to judge. */
function parsed(text: string, type: string): unknown {
  if (!/[/+]json\b/.test(type)) return text
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}

/** The same request as a line for the shell; a token is never shown. */
export function commandLine(method: string, url: string, { token, headers, body }: Ask = {}): string {
  return [
    'curl',
    ...(method === 'GET' ? [] : ['-X', method]),
    url,
    ...(token === undefined ? [] : ['-H "authorization: Bearer $TOKEN"']),
    ...Object.entries(headers ?? {}).map(([name, value]) => `-H '${name}: ${value}'`),
    ...(body === undefined ? [] : [`-H 'content-type: application/json' -d '${hidden(body)}'`]),
  ].join(' ')
}

const hidden = (body: unknown): string =>
  JSON.stringify(body, (name, value) => (/password|token/i.test(name) ? '…' : value))

/** Status and the beginning of the body. */
export function answerLine({ status, body }: Pick<Answer, 'status' | 'body'>, charsMax = 160): string {
  const text = typeof body === 'string' ? body.replaceAll(/\s+/g, ' ') : hidden(body)
  return `${status} ${text.length > charsMax ? `${text.slice(0, charsMax)} …` : text}`.trim()
}
