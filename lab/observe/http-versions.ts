/** One GET over each version of HTTP, with what is offered checked: ALPN, and the certificate against one authority. */
import { execFile, execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { connect } from 'node:http2'
import { Agent, request } from 'node:https'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { promisify } from 'node:util'

export interface VersionedAnswer {
  /** What was spoken: `1.1`, `2`, `3`. */
  readonly version: string
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

export interface Secure {
  readonly url: string
  /** PEM. */
  readonly authority: string
}

/** A GET over HTTP/1.1 alone. */
export async function getOverHttp1({ url, authority }: Secure): Promise<VersionedAnswer> {
  const agent = new Agent({ ca: authority, ALPNProtocols: ['http/1.1'] })
  const sent = request(url, { agent })
  sent.end()
  const [response] = await once(sent, 'response')
  return {
    version: response.httpVersion,
    status: response.statusCode ?? 0,
    headers: strings(response.headers),
    body: await text(response),
  }
}

/** A GET over HTTP/2 alone. */
export async function getOverHttp2({ url, authority }: Secure): Promise<VersionedAnswer> {
  const { origin, pathname, search } = new URL(url)
  const session = connect(origin, { ca: authority })
  try {
    const stream = session.request({ ':path': pathname + search })
    const [headers] = await once(stream, 'response')
    const body = await text(stream)
    return {
      version: session.alpnProtocol === 'h2' ? '2' : String(session.alpnProtocol),
      status: Number(headers[':status']),
      headers: strings(headers),
      body,
    }
  } finally {
    session.destroy()
  }
}

/** The Python that has aioquic: SVYAZ_PYTHON, or python3. Undefined where there is none. */
export function pythonWithHttp3(environment: NodeJS.ProcessEnv): string | undefined {
  const python = environment.SVYAZ_PYTHON ?? 'python3'
  try {
    execFileSync(python, ['-c', 'import aioquic.h3.connection'], { stdio: 'ignore', env: { ...environment } })
    return python
  } catch {
    return undefined
  }
}

const script = join(import.meta.dirname, 'http3.py')

export interface Http3Run {
  readonly answers: readonly (VersionedAnswer & { readonly ms: number })[]
  readonly connectMs: number
  readonly allMs: number
}

/**
 * GETs over HTTP/3 on one connection.
 *
 * @param authorityFile PEM file of who is trusted
 * @param count how many, `atOnce` of them under way together
 * @throws Error with what aioquic said
 */
export async function getOverHttp3(
  python: string,
  url: string,
  authorityFile: string,
  { count = 1, atOnce = 1 }: { count?: number; atOnce?: number } = {},
): Promise<Http3Run> {
  const { stdout } = await promisify(execFile)(python, [script, url, authorityFile, String(count), String(atOnce)], {
    maxBuffer: 64 * 1024 * 1024,
    timeout: 120_000,
  })
  const lines = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line))
  const totals = lines.pop()
  return { ...totals, answers: lines.map((line) => ({ ...line, version: line.version === 'h3' ? '3' : line.version })) }
}

const strings = (headers: object): Record<string, string> =>
  Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, String(value)]))
