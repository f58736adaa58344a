/**
 * How others steer the supervisor: HTTP over a Unix socket that only its owner may open. Streams are
 * newline-delimited JSON. A browser can't reach such a socket; a request that came through one all the same, by way
 * of some proxy, is refused by its Origin.
 */
import { chmodSync, mkdirSync, rmSync, statSync } from 'node:fs'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { dirname } from 'node:path'
import type { ScaleBounds } from './autoscale.ts'
import { Autoscaler } from './autoscaler.ts'
import { SupervisorError } from './errors.ts'
import { examinationOn, stopExamination } from './examination.ts'
import { followLines, lastLines } from './log-reader.ts'
import { usageOfTree } from './process-table.ts'
import { type Action, instancesMax, type Supervisor } from './supervisor.ts'

export interface ControlContext {
  readonly supervisor: Supervisor
  /** Ends the process in order, as Ctrl-C does. */
  down(): void
}

interface Call extends ControlContext {
  readonly autoscaler: Autoscaler
  readonly url: URL
  readonly params: Readonly<Record<string, string>>
  readonly response: ServerResponse
  /** Aborts when the caller hangs up. */
  readonly signal: AbortSignal
}

interface Route {
  readonly method: 'GET' | 'POST'
  /** Segments; `:name` is a parameter. */
  readonly path: string
  readonly handle: (call: Call) => Promise<unknown> | unknown
}

const actions: readonly Action[] = ['start', 'stop', 'restart', 'kill', 'pause', 'resume']

/** All that can be asked. A handler returns the JSON answer, or undefined when it has written one itself. */
export const controlRoutes: readonly Route[] = [
  {
    method: 'GET',
    path: '/instances',
    handle: ({ supervisor }) => ({ pid: process.pid, instances: supervisor.views() }),
  },
  { method: 'GET', path: '/events', handle: streamEvents },
  { method: 'GET', path: '/memory', handle: ({ supervisor }) => ({ memoryMb: memoryOf(supervisor) }) },
  { method: 'GET', path: '/logs/:target', handle: streamLogs },
  ...actions.map(
    (action): Route => ({
      method: 'POST',
      path: `/instances/:target/${action}`,
      handle: async ({ supervisor, params, signal }) => ({
        instances: await supervisor.act(action, params.target ?? '', signal),
      }),
    }),
  ),
  {
    method: 'POST',
    path: '/services/:target/scale/:count',
    handle: async ({ supervisor, autoscaler, params, signal }) => {
      autoscaler.leave(params.target ?? '')
      return { instances: await supervisor.scale(params.target ?? '', Number(params.count), signal) }
    },
  },
  {
    method: 'POST',
    path: '/services/:target/auto/:min/:max',
    handle: ({ supervisor, autoscaler, params }) => {
      const service = supervisor.scalableService(params.target ?? '')
      autoscaler.follow(service, boundsOf(params))
      return { instances: supervisor.views().filter((view) => view.service === service) }
    },
  },
  {
    method: 'GET',
    path: '/examination',
    handle: ({ supervisor }) => ({ examination: examinationOn(supervisor.options.home) }),
  },
  {
    method: 'POST',
    path: '/examination/stop',
    handle: ({ supervisor }) => ({ examination: stopExamination(supervisor.options.home) }),
  },
  {
    method: 'POST',
    path: '/down',
    handle: ({ down }) => {
      setImmediate(down)
      return { pid: process.pid }
    },
  },
]

/** @throws SupervisorError when they are none */
const boundsOf = ({ min, max }: Call['params']): ScaleBounds => {
  const bounds = { min: Number(min), max: Number(max) }
  if (
    !(Number.isInteger(bounds.min) && Number.isInteger(bounds.max)) ||
    bounds.min < 1 ||
    bounds.min > bounds.max ||
    bounds.max > instancesMax
  )
    throw new SupervisorError(`the bounds must be whole numbers, 1 ≤ least ≤ most ≤ ${instancesMax}`)
  return bounds
}

/** Listens on the supervisor's control socket. */
export async function startControlServer(context: ControlContext): Promise<AsyncDisposable> {
  const path = context.supervisor.controlSocket
  // The lock says that nobody else serves it: a file here was left behind.
  rmSync(path, { force: true })
  // The folder keeps others out in the moment before the socket's own mode is set.
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
  const folder = statSync(dirname(path))
  if (folder.uid !== process.getuid?.() || (folder.mode & 0o077) !== 0) {
    throw new SupervisorError(`${dirname(path)} must belong to you alone (mode 700): remove it and start again`)
  }
  const autoscaler = new Autoscaler(context.supervisor)
  const server = createServer((request, response) => void answer({ ...context, autoscaler }, request, response))
  await listening(server, path)
  chmodSync(path, 0o600)
  return {
    [Symbol.asyncDispose]: async () => {
      autoscaler[Symbol.dispose]()
      server.close()
      server.closeAllConnections()
      rmSync(path, { force: true })
    },
  }
}

function listening(server: Server, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(path, resolve)
  })
}

async function answer(
  context: Pick<Call, keyof ControlContext | 'autoscaler'>,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const hungUp = new AbortController()
  response.once('close', () => hungUp.abort())
  try {
    if (request.headers.origin !== undefined) return send(response, 403, { error: 'not for browsers' })
    const url = URL.parse(request.url ?? '/', 'http://supervisor')
    if (url === null) return send(response, 400, { error: 'the target of the request is not a path' })
    for (const route of controlRoutes) {
      const params = route.method === request.method ? match(route.path, url.pathname) : undefined
      if (!params) continue
      const body = await route.handle({ ...context, url, params, response, signal: hungUp.signal })
      if (body !== undefined) send(response, 200, body)
      return
    }
    send(response, 404, { error: `nothing answers ${request.method} ${url.pathname}` })
  } catch (error) {
    if (hungUp.signal.aborted) return
    if (error instanceof SupervisorError) send(response, 409, { error: error.message })
    else send(response, 500, { error: error instanceof Error ? error.message : String(error) })
  }
}

function match(pattern: string, path: string): Record<string, string> | undefined {
  const wanted = pattern.split('/')
  const given = path.split('/')
  if (wanted.length !== given.length) return undefined
  const params: Record<string, string> = {}
  for (const [at, segment] of wanted.entries()) {
    const value = given[at] ?? ''
    const name = segment.startsWith(':') ? decoded(value) : undefined
    if (name !== undefined) params[segment.slice(1)] = name
    else if (segment !== value) return undefined
  }
  return params
}

/** Undefined for what is not percent-encoding (RFC 3986, 2.1): nothing has such a name. */
function decoded(value: string): string | undefined {
  try {
    return decodeURIComponent(value)
  } catch {
    return undefined
  }
}

function send(response: ServerResponse, status: number, body: unknown): void {
  if (response.headersSent) return void response.end()
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
}

/** Megabytes (PSS) by instance, an engine's children included; those that the kernel doesn't report are left out. */
function memoryOf(supervisor: Supervisor): Record<string, number> {
  return Object.fromEntries(
    supervisor.views().flatMap(({ name, pid, kind }) => {
      // Only an engine has children; looking for them means to look at every process of the machine.
      const bytes = pid === undefined ? undefined : usageOfTree(pid, kind !== 'engine').pssBytes
      return bytes === undefined ? [] : [[name, Math.round(bytes / 1024 ** 2)]]
    }),
  )
}

/** The present state of each instance, then every change. A reader that falls behind is cut off: memory is bounded. */
function streamEvents({ supervisor, response, signal }: Call): undefined {
  response.writeHead(200, { 'content-type': 'application/x-ndjson' })
  const write = (value: unknown) => {
    if (response.writableLength > streamBytesMax) response.destroy()
    else response.write(`${JSON.stringify(value)}\n`)
  }
  const at = new Date().toISOString()
  for (const instance of supervisor.views()) write({ type: 'instance', at, instance })
  const stopListening = supervisor.listen(write)
  signal.addEventListener('abort', stopListening)
}

const streamBytesMax = 1024 * 1024
const logLinesMax = 10_000

/** `?lines=` of the past, then with `?follow=1` what comes: `{instance, line}` each. */
async function streamLogs({ supervisor, response, signal, params, url }: Call): Promise<undefined> {
  const { target = '' } = params
  const views = supervisor.views().filter((view) => view.name === target || view.service === target)
  if (views.length === 0) throw new SupervisorError(`there is no "${target}"`)
  const count = Math.min(logLinesMax, Number(url.searchParams.get('lines') ?? 100))
  response.writeHead(200, { 'content-type': 'application/x-ndjson' })
  const write = (instance: string, line: string) => {
    if (response.writableLength > streamBytesMax) response.destroy()
    else response.write(`${JSON.stringify({ instance, line })}\n`)
  }
  for (const { name, log } of views) for (const line of lastLines(log, count)) write(name, line)
  if (url.searchParams.get('follow') !== '1') return void response.end()
  await Promise.all(
    views.map(async ({ name, log }) => {
      for await (const line of followLines(log, signal)) write(name, line)
    }),
  )
}
