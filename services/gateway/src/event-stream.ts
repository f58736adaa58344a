/** Server-sent events (WHATWG HTML, 9.2): one event per item, comments while nothing happens, an orderly end. */
import { once } from 'node:events'
import { Failure, firstOf, limitKeyOf, problemOf, toFailure } from '@svyaz/kit'
import { send, standardHeaders } from './answers.ts'
import { gatewayLimits } from './config.ts'
import type { Exchange } from './exchange.ts'
import { nothingMayLoad } from './headers.ts'
import type { SignedIn } from './introspection.ts'
import type { Sessions } from './sessions.ts'

export interface ServerEvent {
  event: string
  /** Decimal; grows with each event of a stream. */
  id: string
  data: unknown
  /** Nothing comes after it. */
  last: boolean
}

/**
 * What a client that comes back has not seen yet, by its `Last-Event-ID`. `alive` in the place of an event that it has:
 * the stream goes on. An id that the stream hasn't reached is nobody's: then it begins with the present. Pure.
 */
export async function* unseen(
  source: AsyncIterable<ServerEvent>,
  lastEventId: string | undefined,
): AsyncGenerator<ServerEvent | 'alive'> {
  let seen = /^\d{1,15}$/.test(lastEventId ?? '') ? Number(lastEventId) : -1
  let first = true
  for await (const event of source) {
    if (first && seen > Number(event.id)) seen = -1
    first = false
    if (Number(event.id) > seen) yield event
    else if (!event.last) yield 'alive'
  }
}

/** The same until the signal is aborted, whatever the source makes of that: no stream is held by what it waits for. */
async function* untilAborted<T>(source: AsyncIterable<T>, signal: AbortSignal): AsyncGenerator<T> {
  const iterator = source[Symbol.asyncIterator]()
  try {
    while (true) {
      const next = await firstOf(iterator.next(), signal)
      if (next.done === true) return
      yield next.value
    }
  } finally {
    void Promise.resolve(iterator.return?.()).catch(() => undefined)
  }
}

const { heartbeatMs, firstEventMs } = gatewayLimits.follow

/**
 * Sends what `source` yields. Until the first event nothing is answered, so that a refusal is still a problem with its
 * status; a later failure is an event `problem`, the last one. Ends with the source, with the session, or when the
 * client leaves. A client that has seen all that there will ever be gets 204, so that it doesn't come back (WHATWG HTML,
 * 9.2.3).
 */
export const sendEvents = async (
  exchange: Exchange,
  user: SignedIn,
  sessions: Sessions,
  source: (signal: AbortSignal) => AsyncIterable<ServerEvent>,
): Promise<void> => {
  const { request, response, gone } = exchange
  const lastEventId = request.headers['last-event-id'] as string | undefined
  const stop = new AbortController()
  const signal = AbortSignal.any([gone.signal, stop.signal])
  const release = sessions.open(user, limitKeyOf(exchange.clientAddress), (reason) =>
    stop.abort(new Failure('unavailable', `the stream ends: ${reason}`)),
  )
  const patience = setTimeout(
    () => stop.abort(new Failure('deadline_exceeded', `nothing came within ${firstEventMs} ms`)),
    firstEventMs,
  )
  let heartbeat: NodeJS.Timeout | undefined
  const write = async (text: string) => {
    if (!response.write(text) && !response.destroyed) await once(response, 'drain', { signal })
  }
  try {
    for await (const next of unseen(untilAborted(source(signal), signal), lastEventId)) {
      if (!response.headersSent) {
        clearTimeout(patience)
        response.writeHead(200, eventStreamHeaders(exchange))
        heartbeat = setInterval(() => response.write(':\n\n'), heartbeatMs)
      }
      await write(next === 'alive' ? ':\n\n' : textOf(next))
    }
    if (!response.headersSent && lastEventId !== undefined) send(exchange, 204, [])
    else if (!response.headersSent) throw new Failure('bad_gateway', 'the stream ended before it began')
  } catch (error) {
    // Whatever the abort made of the call below: what counts is why it was stopped.
    const failure = toFailure(stop.signal.aborted ? stop.signal.reason : error)
    if (!response.headersSent) throw failure
    exchange.failure = failure
    if (!response.destroyed && !stop.signal.aborted)
      response.write(`event: problem\ndata: ${JSON.stringify(problemOf(failure, exchange.span.traceId))}\n\n`)
  } finally {
    clearTimeout(patience)
    clearInterval(heartbeat)
    release()
  }
  response.end()
}

const textOf = ({ event, id, data }: ServerEvent): string =>
  `event: ${event}\nid: ${id}\ndata: ${JSON.stringify(data)}\n\n`

const eventStreamHeaders = (exchange: Exchange): string[] => [
  ...standardHeaders(exchange),
  ...nothingMayLoad,
  'content-type',
  'text/event-stream',
  'cache-control',
  'no-store',
  // For buffering proxies in front (nginx, Angie).
  'x-accel-buffering',
  'no',
]
