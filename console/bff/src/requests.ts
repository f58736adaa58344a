/** HTTP to the gateway, the telemetry and the supervisor: one small client that bounds time and bytes. */
import { Agent, request as httpRequest, type IncomingMessage } from 'node:http'
import { limits } from './limits.ts'

export interface Destination {
  /** `http://host:port`, or the path of a Unix socket. */
  readonly url?: string
  readonly socketPath?: string
}

export interface Asked {
  readonly method?: string
  readonly path: string
  readonly headers?: Readonly<Record<string, string>>
  /** Sent as JSON; bytes as they are, with the content type that the headers say. */
  readonly body?: unknown
  readonly signal?: AbortSignal
  readonly timeoutMs?: number
}

export interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly text: string
}

/** Nothing was there to answer, it stopped in the middle, or it answered what can't be used. */
export class Unreachable extends Error {
  /** Of the answer, where there was one. */
  readonly status: number | undefined

  constructor(message: string, options: { readonly cause?: unknown; readonly status?: number | undefined } = {}) {
    super(message, { cause: options.cause })
    this.status = options.status
  }
}

const agent = new Agent({ keepAlive: true, maxSockets: 32, maxFreeSockets: 8, timeout: 30_000 })

/** @throws Unreachable; the signal's reason when it was aborted */
export async function ask(to: Destination, asked: Asked): Promise<Answer> {
  const timeout = AbortSignal.timeout(asked.timeoutMs ?? limits.callTimeoutMs)
  const signal = asked.signal === undefined ? timeout : AbortSignal.any([timeout, asked.signal])
  try {
    const response = await open(to, { ...asked, signal })
    const chunks: Buffer[] = []
    let bytes = 0
    for await (const chunk of response as AsyncIterable<Buffer>) {
      bytes += chunk.length
      if (bytes > limits.answerBytesMax) throw new Error('the answer is too long')
      chunks.push(chunk)
    }
    return {
      status: response.statusCode ?? 0,
      headers: response.headers,
      text: Buffer.concat(chunks).toString('utf8'),
    }
  } catch (cause) {
    if (asked.signal?.aborted) throw asked.signal.reason
    throw new Unreachable(`${asked.method ?? 'GET'} ${asked.path}: ${String(cause)}`, { cause })
  }
}

/** The head of an answer whose body the caller reads, until the signal aborts. */
export function open(to: Destination, asked: Asked): Promise<IncomingMessage> {
  const bytes = asked.body instanceof Uint8Array
  const body = bytes || asked.body === undefined ? (asked.body as Uint8Array | undefined) : JSON.stringify(asked.body)
  return new Promise((resolve, reject) => {
    const sent = httpRequest(
      {
        ...(to.socketPath === undefined ? address(to.url ?? '') : { socketPath: to.socketPath }),
        agent: to.socketPath === undefined ? agent : false,
        method: asked.method ?? 'GET',
        path: asked.path,
        headers: {
          ...asked.headers,
          ...(body === undefined
            ? {}
            : {
                ...(bytes ? {} : { 'content-type': 'application/json' }),
                'content-length': Buffer.byteLength(body),
              }),
        },
        ...(asked.signal === undefined ? {} : { signal: asked.signal }),
      },
      resolve,
    )
    sent.on('error', reject)
    sent.end(body)
  })
}

function address(url: string): { host: string; port: string } {
  const { hostname, port } = new URL(url)
  return { host: hostname.replace(/^\[|\]$/g, ''), port }
}

/** Lines of a streamed body. @throws when a line is longer than `bytesMax` */
export async function* linesOf(
  body: AsyncIterable<Buffer>,
  bytesMax: number = limits.answerBytesMax,
): AsyncGenerator<string> {
  const decoder = new TextDecoder()
  let rest = ''
  for await (const chunk of body) {
    rest += decoder.decode(chunk, { stream: true })
    if (rest.length > bytesMax) throw new Error('a line is too long')
    let from = 0
    for (let end = rest.indexOf('\n', from); end >= 0; end = rest.indexOf('\n', from)) {
      yield rest.slice(from, end)
      from = end + 1
    }
    rest = rest.slice(from)
  }
}

/** Milliseconds before try number `failures` + 1, with full jitter so that many don't come at once. */
export const backOffMs = (
  failures: number,
  msMax: number = limits.retryMsMax,
  random: () => number = Math.random,
): number => Math.round(Math.min(msMax, limits.retryMsMin * 2 ** failures) * (0.5 + random() / 2))

/** Waits, or rejects with the signal's reason. */
export function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(signal.reason)
    const abort = () => {
      clearTimeout(timer)
      reject(signal.reason)
    }
    const timer = setTimeout(() => {
      signal.removeEventListener('abort', abort)
      resolve()
    }, ms)
    signal.addEventListener('abort', abort, { once: true })
  })
}

/** Repeats `work` until the signal aborts; when it fails or ends, again after a pause that grows with the failures. */
export async function keepAtIt(
  work: (succeeded: () => void) => Promise<void>,
  signal: AbortSignal,
  failed: (error: unknown) => void,
  pauseMsMax?: number,
): Promise<void> {
  let failures = 0
  while (!signal.aborted) {
    try {
      await work(() => {
        failures = 0
      })
    } catch (error) {
      if (signal.aborted) return
      failed(error)
    }
    if (signal.aborted) return
    try {
      await pause(backOffMs(failures, pauseMsMax), signal)
    } catch {
      return
    }
    failures = Math.min(failures + 1, 10)
  }
}
