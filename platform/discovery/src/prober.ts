/** Runs HTTP and TCP checks at their intervals and reports each verdict. The rules of what a verdict means are elsewhere. */
import { request as httpRequest, type IncomingMessage } from 'node:http'
import { request as httpsRequest } from 'node:https'
import { connect } from 'node:net'
import type { Clock } from './clock.ts'
import type { Limits } from './limits.ts'
import type { CheckRow, CheckStatus, Probe } from './state.ts'

export interface Verdict {
  readonly status: CheckStatus
  readonly output: string
}

type HttpProbe = Probe & { readonly kind: 'http' }
type TcpProbe = Probe & { readonly kind: 'tcp' }

const redirectsMax = 10
/** A first probe comes soon after registration, spread a little so that a restart does not probe everybody at one moment. */
const firstProbeWithinMs = 1000

export class Prober implements Disposable {
  readonly #running = new Map<string, AbortController>()
  readonly #waiting: (() => void)[] = []
  #inTheAir = 0
  readonly #clock: Clock
  readonly #limits: Limits
  readonly #random: () => number
  readonly #report: (checkId: string, verdict: Verdict) => void

  constructor(ports: {
    readonly clock: Clock
    readonly limits: Limits
    readonly random: () => number
    readonly report: (checkId: string, verdict: Verdict) => void
  }) {
    this.#clock = ports.clock
    this.#limits = ports.limits
    this.#random = ports.random
    this.#report = ports.report
  }

  start(check: CheckRow): void {
    this.stop(check.checkId)
    const { probe, checkId } = check
    if (probe.kind !== 'http' && probe.kind !== 'tcp') return
    const stop = new AbortController()
    this.#running.set(checkId, stop)
    void this.#repeat(checkId, probe, stop.signal)
  }

  stop(checkId: string): void {
    this.#running.get(checkId)?.abort()
    this.#running.delete(checkId)
  }

  [Symbol.dispose](): void {
    for (const checkId of [...this.#running.keys()]) this.stop(checkId)
  }

  async #repeat(checkId: string, probe: HttpProbe | TcpProbe, stop: AbortSignal): Promise<void> {
    await this.#pause(this.#random() * Math.min(probe.intervalMs, firstProbeWithinMs), stop)
    while (!stop.aborted) {
      await this.#takeTurn()
      try {
        if (stop.aborted) return
        const verdict = await this.#probeOnce(probe, stop)
        if (!stop.aborted)
          this.#report(checkId, { ...verdict, output: cut(verdict.output, this.#limits.checkOutputBytesMax) })
      } finally {
        this.#endTurn()
      }
      await this.#pause(probe.intervalMs, stop)
    }
  }

  async #probeOnce(probe: HttpProbe | TcpProbe, stop: AbortSignal): Promise<Verdict> {
    const timeoutMs = probe.timeoutMs || this.#limits.probeTimeoutMsDefault
    const timeout = new AbortController()
    const cancel = this.#clock.after(timeoutMs, () => timeout.abort())
    const signal = AbortSignal.any([timeout.signal, stop])
    try {
      return probe.kind === 'http' ? await probeHttp(probe, this.#limits, signal) : await probeTcp(probe, signal)
    } catch (error) {
      const reason = timeout.signal.aborted ? `no answer within ${timeoutMs} ms` : (error as Error).message
      const what = probe.kind === 'http' ? `HTTP ${probe.method} ${probe.url}` : `TCP connect ${probe.address}`
      return { status: 'critical', output: `${what}: ${reason}` }
    } finally {
      cancel()
    }
  }

  #pause(delayMs: number, stop: AbortSignal): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    const cancel = this.#clock.after(delayMs, resolve)
    const stopped = () => {
      cancel()
      resolve()
    }
    stop.addEventListener('abort', stopped, { once: true })
    if (stop.aborted) stopped()
    return promise.finally(() => stop.removeEventListener('abort', stopped))
  }

  async #takeTurn(): Promise<void> {
    if (this.#inTheAir >= this.#limits.probesMax) {
      await new Promise<void>((resolve) => this.#waiting.push(resolve))
    }
    this.#inTheAir++
  }

  #endTurn(): void {
    this.#inTheAir--
    this.#waiting.shift()?.()
  }
}

/** 2xx is passing, 429 (too many requests) warning, anything else critical, as in Consul. */
async function probeHttp(probe: HttpProbe, limits: Limits, signal: AbortSignal): Promise<Verdict> {
  let url = new URL(probe.url)
  for (let redirects = 0; ; redirects++) {
    const response = await send(url, probe, signal)
    const status = response.statusCode ?? 0
    const { location } = response.headers
    if (status >= 300 && status < 400 && location !== undefined && !probe.disableRedirects) {
      response.destroy()
      if (redirects === redirectsMax) throw new Error(`stopped after ${redirectsMax} redirects`)
      url = new URL(location, url)
      continue
    }
    const output = `HTTP ${probe.method} ${probe.url}: ${status} ${response.statusMessage} Output: ${await readSome(response, limits)}`
    if (status >= 200 && status < 300) return { status: 'passing', output }
    return { status: status === 429 ? 'warning' : 'critical', output }
  }
}

function send(url: URL, probe: HttpProbe, signal: AbortSignal): Promise<IncomingMessage> {
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>()
  const headers: Record<string, string | string[]> = {
    'user-agent': 'svyaz-discovery health check',
    accept: 'text/plain, text/*, */*',
  }
  for (const [name, values] of Object.entries(probe.header)) headers[name.toLowerCase()] = [...values]
  const options = { method: probe.method, headers, signal, agent: false as const }
  const request =
    url.protocol === 'https:'
      ? httpsRequest(url, { ...options, rejectUnauthorized: !probe.tlsSkipVerify })
      : httpRequest(url, options)
  request.on('response', resolve)
  request.on('error', reject)
  request.end(probe.body)
  return promise
}

async function readSome(response: IncomingMessage, limits: Limits): Promise<string> {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of response as AsyncIterable<Buffer>) {
    chunks.push(chunk)
    bytes += chunk.length
    if (bytes >= limits.checkOutputBytesMax) break
  }
  return Buffer.concat(chunks).toString('utf8')
}

async function probeTcp(probe: TcpProbe, signal: AbortSignal): Promise<Verdict> {
  const colon = probe.address.lastIndexOf(':')
  const host = probe.address.slice(0, colon).replace(/^\[|\]$/g, '')
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const socket = connect({ host, port: Number(probe.address.slice(colon + 1)), signal })
  socket.on('connect', () => resolve())
  socket.on('error', reject)
  try {
    await promise
    return { status: 'passing', output: `TCP connect ${probe.address}: Success` }
  } finally {
    socket.destroy()
  }
}

function cut(text: string, bytesMax: number): string {
  const bytes = Buffer.from(text)
  return bytes.length <= bytesMax ? text : bytes.subarray(0, bytesMax).toString('utf8')
}
