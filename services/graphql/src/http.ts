/**
 * The graph over HTTP, as the GraphQL over HTTP specification has it (https://graphql.github.io/graphql-over-http/draft/):
 * POST alone, and JSON alone, so that no page of another origin can send one without asking first. With
 * `Accept: text/event-stream` results come as server-sent events, `next` and `complete`.
 */
import { askGraph, type GraphqlResult } from '@svyaz/contracts/http/graphql.ts'
import { type Clock, Failure, type HttpHandler, handle, withDeadline } from '@svyaz/kit'
import { limits } from './config.ts'
import type { Graph } from './graph.ts'
import type { Subscriptions } from './subscriptions.ts'

const graphqlMedia = 'application/graphql-response+json'
const { eventStreamMs, heartbeatMs } = limits.subscriptions

/** The operation that clients call through the gateway. */
export const httpEdge = (
  { clock }: { clock: Clock },
  graph: () => Promise<Graph>,
  subscriptions: Subscriptions,
): HttpHandler =>
  handle(askGraph, async ({ body, caller, headers, signal }) => {
    const accept = headers.accept ?? ''
    const stop = new AbortController()
    const ended = AbortSignal.any([signal, stop.signal])
    const answer = await (await graph()).answer(body, { caller, signal: ended })
    const asEvents = accept.includes('text/event-stream')
    if (answer.kind === 'stream') {
      if (!asEvents) {
        stop.abort()
        throw new Failure('invalid_request', 'a subscription needs Accept: text/event-stream, or a WebSocket')
      }
      return eventStream(events(clock, answer.results, ended, () => stop.abort(), subscriptions.take(caller)))
    }
    if (asEvents) return eventStream(only(answer.result))
    const media = accept.includes(graphqlMedia) ? graphqlMedia : 'application/json'
    return {
      // Under application/json a client may not tell our 400 from one of something between.
      status: answer.kind === 'refused' && media === graphqlMedia ? 400 : 200,
      body: answer.result,
      headers: { 'content-type': `${media}; charset=utf-8`, 'cache-control': 'no-store' },
    }
  })

const eventStream = (stream: AsyncIterable<string>) => ({
  stream,
  headers: { 'content-type': 'text/event-stream', 'cache-control': 'no-store', 'x-accel-buffering': 'no' },
})

const next = (result: GraphqlResult): string => `event: next\ndata: ${JSON.stringify(result)}\n\n`
const complete = 'event: complete\ndata:\n\n'

async function* only(result: GraphqlResult) {
  yield next(result) + complete
}

/** Results as they come, comments while none does, an end after a minute: then the client asks again. */
async function* events(
  clock: Clock,
  results: AsyncGenerator<GraphqlResult>,
  signal: AbortSignal,
  stop: () => void,
  release: () => void,
): AsyncGenerator<string> {
  const until = clock.monotonic() + eventStreamMs
  try {
    let coming = withDeadline(undefined, () => results.next())
    while (!signal.aborted) {
      const leftMs = until - clock.monotonic()
      if (leftMs <= 0) {
        yield next({
          errors: [{ message: 'a minute is over: subscribe again', extensions: { code: 'deadline_exceeded' } }],
        })
        break
      }
      const silence = new AbortController()
      const silent = clock.delay(Math.min(heartbeatMs, leftMs), AbortSignal.any([silence.signal, signal])).then(
        () => 'silent' as const,
        () => 'silent' as const,
      )
      const first = await Promise.race([coming, silent])
      silence.abort()
      if (first === 'silent') {
        yield ':\n\n'
        continue
      }
      if (first.done === true) break
      yield next(first.value)
      coming = withDeadline(undefined, () => results.next())
    }
    yield complete
  } finally {
    stop()
    release()
  }
}
