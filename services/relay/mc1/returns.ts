/** `POST /messages`: what comes back is stamped, committed, and only then acknowledged. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { type RelayMessage, relayLimits, relayMessage, traceparentsHeader } from '@svyaz/contracts/events/relay.ts'
import { returnMessages } from '@svyaz/contracts/http/relay.ts'
import { answerProblem, type Context, Failure, type OpenSpan, type RawHttpHandler, toFailure } from '@svyaz/kit'
import { z } from 'zod'
import { stampAfter } from '../message.ts'
import { createGroupWriter } from './group-writer.ts'
import type { RelayStorage } from './storage.ts'

const oneOrMany = z.union([relayMessage, z.array(relayMessage).min(1).max(relayLimits.messagesTogetherMax)])

/** Takes what MC3 brings back, and answers when it is stored. */
export const returnsEdge = (
  context: Context<unknown>,
  parts: {
    storage: RelayStorage
    /** The highest session number there is. */
    latestSession: () => number
    /** They are committed, this many µs after their end stamp. */
    stored: (messages: readonly RelayMessage[], commitMicros: number) => void
  },
): RawHttpHandler => {
  const { clock, tracer } = context
  const write = createGroupWriter<RelayMessage>(parts.storage.write)

  const take = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const text = await bodyOf(request)
    const messages = parse(text, parts.latestSession())
    const traces = tracesOf(request, messages.length)
    const spans = messages.map((message, index) => incoming(message, traces[index]))
    const statements = spans.map((span) => storing(span, messages.length))
    const end = (error?: string) => {
      for (const span of statements) span.end(error)
      for (const span of spans) span.end(error)
    }
    try {
      const endMicros = clock.micros()
      for (const message of messages) message.end_timestamp = stampAfter(message.MC3_timestamp, endMicros)
      await write(messages)
      // The next messages leave before the answer does: it is on nobody's way.
      parts.stored(messages, clock.micros() - endMicros)
      end()
    } catch (error) {
      end(String(error))
      throw error
    }
    response.writeHead(204).end()
  }

  const incoming = (message: RelayMessage, parent: string | undefined): OpenSpan =>
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
  const storing = (span: OpenSpan, together: number): OpenSpan =>
    tracer.open('SQL INSERT', {
      kind: 'client',
      parent: span.traceparent,
      attributes: { 'db.system': 'postgresql', 'db.operation': 'INSERT', 'svyaz.relay.together': together },
    })

  return {
    route: returnMessages,
    answer: (request, response) =>
      void take(request, response).catch((error: unknown) => answerProblem(context, response, toFailure(error))),
  }
}

const bodyOf = (request: IncomingMessage): Promise<string> =>
  new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    let bytes = 0
    request.on('data', (chunk: Buffer) => {
      bytes += chunk.length
      if (bytes > relayLimits.bodyBytesMax) {
        reject(new Failure('body_too_large', `at most ${relayLimits.bodyBytesMax} bytes`))
        request.destroy()
      } else chunks.push(chunk)
    })
    request.on('end', () => resolve(chunks.length === 1 ? String(chunks[0]) : Buffer.concat(chunks).toString()))
    request.on('error', (error) => reject(new Failure('unavailable', 'the request broke off', { cause: error })))
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
