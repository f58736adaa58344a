/** `POST /messages`: what comes back is stamped, committed, and only then acknowledged. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { type RelayMessage, relayLimits, relayMessage, traceparentsHeader } from '@svyaz/contracts/events/relay.ts'
import { returnMessages } from '@svyaz/contracts/http/relay.ts'
import {
  answerProblem,
  type Context,
  Failure,
  type OpenSpan,
  type RawHttpHandler,
  readBody,
  type Tracer,
  toFailure,
} from '@svyaz/kit'
import { z } from 'zod'
import { stampAfter } from '../message.ts'
import { createGroupWriter } from './group-writer.ts'
import type { RelayStorage } from './storage.ts'

const oneOrMany = z.union([relayMessage, z.array(relayMessage).min(1).max(relayLimits.messagesTogetherMax)])

export interface ReturnsParts {
  readonly storage: Pick<RelayStorage, 'write'>
  /** The highest session number there is. */
  latestSession(): number
  /** They are committed, this many µs after their end stamp. */
  stored(messages: readonly RelayMessage[], commitMicros: number): void
}

/** Takes what MC3 brings back, and answers when it is stored. */
export const returnsEdge = (context: Context<unknown>, parts: ReturnsParts): RawHttpHandler => {
  const returns = new Returns(context, parts)
  return {
    route: returnMessages,
    answer: (request, response) =>
      void returns
        .take(request, response)
        .catch((error: unknown) => answerProblem(context, response, toFailure(error))),
  }
}

class Returns {
  readonly #context: Context<unknown>
  readonly #parts: ReturnsParts
  readonly #write: (messages: readonly RelayMessage[]) => Promise<void>

  constructor(context: Context<unknown>, parts: ReturnsParts) {
    this.#context = context
    this.#parts = parts
    this.#write = createGroupWriter<RelayMessage>((messages) => parts.storage.write(messages))
  }

  /** @throws Failure for a body that isn't what it should be, or without the database */
  async take(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { clock, tracer } = this.#context
    const text = String(await readBody(request, relayLimits.bodyBytesMax))
    const messages = parse(text, this.#parts.latestSession())
    const spans = openSpans(tracer, messages, tracesOf(request, messages.length))
    try {
      const endMicros = clock.micros()
      for (const message of messages) message.end_timestamp = stampAfter(message.MC3_timestamp, endMicros)
      await this.#write(messages)
      // The next messages leave before the answer does: it is on nobody's way.
      this.#parts.stored(messages, clock.micros() - endMicros)
      endSpans(spans)
    } catch (error) {
      endSpans(spans, String(error))
      throw error
    }
    response.writeHead(204).end()
  }
}

/** Two of each message: the request, and in it the statement until its commit. */
interface Spans {
  readonly requests: readonly OpenSpan[]
  readonly statements: readonly OpenSpan[]
}

const openSpans = (
  tracer: Tracer,
  messages: readonly RelayMessage[],
  traces: readonly (string | undefined)[],
): Spans => {
  const requests = messages.map((message, index) => incoming(tracer, message, traces[index]))
  return { requests, statements: requests.map((span) => storing(tracer, span, messages.length)) }
}

const endSpans = ({ requests, statements }: Spans, error?: string): void => {
  for (const span of statements) span.end(error)
  for (const span of requests) span.end(error)
}

const incoming = (tracer: Tracer, message: RelayMessage, parent: string | undefined): OpenSpan =>
  tracer.open('POST /messages', {
    kind: 'server',
    parent,
    attributes: {
      'http.request.method': 'POST',
      'http.route': '/messages',
      'svyaz.relay.id': message.id,
      'svyaz.relay.session_id': message.session_id,
    },
  })

/** One statement stores many messages, and each trace shows it: until the commit, with the wait for the one before. */
const storing = (tracer: Tracer, span: OpenSpan, together: number): OpenSpan =>
  tracer.open('SQL INSERT', {
    kind: 'client',
    parent: span.traceparent,
    attributes: { 'db.system': 'postgresql', 'db.operation': 'INSERT', 'svyaz.relay.together': together },
  })

const parse = (text: string, latestSession: number): RelayMessage[] => {
  let raw: unknown
  try {
    raw = JSON.parse(text)
  } catch (error) {
    throw new Failure('invalid_json', 'the body is not JSON', { cause: error })
  }
  const parsed = oneOrMany.safeParse(raw)
  if (!parsed.success) throw new Failure('invalid_request', z.prettifyError(parsed.error).slice(0, 1_000))
  const messages = Array.isArray(parsed.data) ? parsed.data : [parsed.data]
  for (const message of messages) {
    if (message.MC1_timestamp === null || message.MC2_timestamp === null || message.MC3_timestamp === null)
      throw new Failure('invalid_request', `message ${message.id} lacks a stamp`)
    if (message.session_id > latestSession)
      throw new Failure('invalid_request', `there is no session ${message.session_id}`)
  }
  return messages
}

/** Each message's trace: `traceparent` of one alone, the list of several. */
const tracesOf = (request: IncomingMessage, count: number): readonly (string | undefined)[] => {
  const header = request.headers[count === 1 ? 'traceparent' : traceparentsHeader]
  return typeof header === 'string' ? header.split(',') : []
}
