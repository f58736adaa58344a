/**
 * Speaking to the gateway as an administrator. Who that is, strongest first: SVYAZ_ADMIN_TOKEN; `--user` with
 * SVYAZ_ADMIN_PASSWORD or a password asked for on the terminal; the admin that the embedded profile puts in place,
 * on loopback only. Nothing is kept, and no secret is ever printed.
 */
import { isIP } from 'node:net'
import { createInterface } from 'node:readline'
import { Writable } from 'node:stream'
import type { Fault, Problem } from '@svyaz/contracts/errors.ts'
import type { Instances } from '@svyaz/system/supervisor/control-client.ts'
import type { Invocation } from './command.ts'
import { ask } from './control-client.ts'
import { CliError, UsageError } from './errors.ts'
import { printable } from './pretty-log.ts'

/** Whom the embedded profile puts in place, for everybody on this machine to use. */
export const localAdmin = { email: 'admin@svyaz.local', password: 'admin-svyaz' } as const

export interface AdminSession {
  get<T>(path: string): Promise<T>
  put<T>(path: string, body: unknown): Promise<T>
}

/** Who asks: `--gateway` and `--user`, and the environment. */
type Asking = Pick<Invocation, 'flags' | 'config'>

/**
 * A signed-in administrator at the gateway of the running system.
 * @throws Error that says how to sign in, when neither token nor password is given
 */
export async function openSession(invocation: Asking): Promise<AdminSession> {
  const base = await gatewayOf(invocation)
  const token = await tokenOf(base, invocation)
  return {
    get: (path) => send(base, 'GET', path, { token }),
    put: (path, body) => send(base, 'PUT', path, { token, body }),
  }
}

async function gatewayOf({ flags, config }: Asking): Promise<string> {
  if (typeof flags.gateway === 'string') {
    if (!URL.canParse(flags.gateway) || !/^https?:$/.test(new URL(flags.gateway).protocol)) {
      throw new UsageError(`--gateway takes a URL such as http://127.0.0.1:8080, not "${flags.gateway}"`)
    }
    return flags.gateway.replace(/\/+$/, '')
  }
  const { instances } = await ask<Instances>(config.home, 'GET', '/instances')
  const port = instances.find((instance) => instance.service === 'gateway')?.ports.http
  if (port === undefined) throw new CliError('the running system has no gateway; name one with --gateway <url>')
  return `http://127.0.0.1:${port}`
}

async function tokenOf(base: string, { flags, config }: Asking): Promise<string> {
  const { SVYAZ_ADMIN_TOKEN, SVYAZ_ADMIN_PASSWORD } = config.environment
  if (SVYAZ_ADMIN_TOKEN) return SVYAZ_ADMIN_TOKEN
  if (typeof flags.user === 'string') {
    return logIn(base, flags.user, SVYAZ_ADMIN_PASSWORD || (await askPassword(flags.user)))
  }
  const { hostname } = new URL(base)
  const loopback =
    hostname === 'localhost' || hostname === '[::1]' || (isIP(hostname) === 4 && hostname.startsWith('127.'))
  if (!loopback)
    throw new UsageError(`${base} is not this machine: say who you are with --user, or with SVYAZ_ADMIN_TOKEN`)
  return logIn(base, localAdmin.email, localAdmin.password)
}

async function logIn(base: string, email: string, password: string): Promise<string> {
  const { accessToken } = await send<{ accessToken: string }>(base, 'POST', '/auth/login', {
    body: { email, password },
  })
  return accessToken
}

/** Reads a line from the terminal without showing it. */
async function askPassword(email: string): Promise<string> {
  if (!process.stdin.isTTY) throw new UsageError('there is no terminal to ask for a password: set SVYAZ_ADMIN_PASSWORD')
  process.stderr.write(`Password of ${email}: `)
  const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() })
  const lines = createInterface({ input: process.stdin, output: nowhere, terminal: true })
  const password = await new Promise<string>((resolve) => {
    lines.once('line', resolve)
    lines.once('close', () => resolve(''))
  })
  lines.close()
  process.stderr.write('\n')
  return password
}

interface Sent {
  readonly token?: string
  readonly body?: unknown
}

async function send<T>(base: string, method: string, path: string, { token, body }: Sent): Promise<T> {
  let response: Response
  try {
    response = await fetch(`${base}${path}`, {
      method,
      headers: {
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(15_000),
    })
  } catch (error) {
    throw new CliError(`the gateway at ${base} does not answer: \`npx svyaz ps\` shows its state`, { cause: error })
  }
  const answer = (await response.json().catch(() => ({}))) as T
  if (response.ok) return answer
  throw new CliError(refusal(response.status, answer as Partial<Problem>))
}

/** A problem (RFC 9457) as sentences: each fault with what it is about. */
export function refusal(status: number, { detail, title, errors, traceId }: Partial<Problem>): string {
  if (status === 401) return `not signed in: ${detail ?? title ?? 'the token or the password is wrong'}`
  const faults = (errors ?? []).map(
    (fault: Fault) => `  ${fault.pointer?.replace(/^\/properties\//, '') ?? fault.in}: ${fault.detail}`,
  )
  const lines =
    faults.length > 0
      ? [`refused (${status}):`, ...faults]
      : [`refused (${status}): ${detail ?? title ?? 'no reason given'}`]
  return [...lines.map(printable), ...(status >= 500 && traceId ? [`  trace ${traceId}`] : [])].join('\n')
}
