/**
 * Routes with an `aggregate`: one answer of several services. Each part is asked as its own route says (roles, time,
 * retries, breaker), for the same user, all at once. What can't be had now is named, and the rest is answered.
 */
import { Failure, type Metrics } from '@svyaz/kit'
import type { Limiter, Rules } from './admission.ts'
import { type Got, holesIn, linkAt, pathsFor, pathsOf, putTogether } from './aggregate-plan.ts'
import { sendJson } from './answers.ts'
import { checkRoles } from './authentication.ts'
import type { Received } from './cache-rules.ts'
import { gatewayLimits } from './config.ts'
import type { Exchange, GatewayContext } from './exchange.ts'
import { answerHeaders, type Forward } from './forward.ts'
import { Gathering } from './gathering.ts'
import type { Room } from './room.ts'
import type { Aggregate, GatewayRoute } from './routes.ts'

type AggregateRoute = GatewayRoute & { aggregate: Aggregate }

export interface AggregationParts {
  forward: Forward
  limiter: Pick<Limiter, 'byQuestions'>
  /** Each question takes a place of its own among the requests in flight. */
  room: Pick<Room, 'enter'>
}

export class Aggregation {
  readonly #parts: AggregationParts
  readonly #now: () => number
  readonly #missed: ReturnType<Metrics['counter']>

  constructor(parts: AggregationParts, { clock, metrics }: Pick<GatewayContext, 'clock' | 'metrics'>) {
    this.#parts = parts
    this.#now = clock.monotonic
    this.#missed = metrics.counter(
      'gateway_parts_missed_total',
      'Parts of an answer of several services that could not be had',
      ['route', 'part'],
    )
  }

  /** Answers a GET or HEAD. Throws the Failure that the client gets instead: only the root's. */
  async answer(exchange: Exchange, route: AggregateRoute, rules: Rules): Promise<void> {
    const { aggregate: whole, prefix } = route
    const { path, query } = exchange.target
    const own = holesIn(prefix, path)
    const asking = new Asking(this.#parts, {
      exchange,
      rules,
      now: this.#now,
      deadlineAt: this.#now() + route.timeoutMs,
    })
    const { itemsMax } = whole.root
    if (itemsMax !== undefined) checkLimit(query, itemsMax)
    const [rootPath = ''] = pathsOf(whole.root.path, own, undefined)
    const root = await asking.receive(rootPath + (itemsMax === undefined ? '' : query))
    if (root.status !== 200) return passBack(exchange, route, root)
    const value = jsonOf(root)
    const items = itemsMax === undefined ? [value] : value
    if (!Array.isArray(items)) throw new Failure('bad_gateway', `${route.service} answered what is not a list`)
    const paths = [...new Set(items.flatMap((item) => pathsFor(whole, own, item)))]
    const questions = paths.slice(0, gatewayLimits.aggregate.questionsMax)
    await this.#parts.limiter.byQuestions(exchange, rules, route, questions.length)
    const got = await asking.all(questions)
    const answers = items.map((item) => putTogether(whole, own, item, (path) => got.get(path) ?? { kind: 'away' }))
    for (const { incomplete } of answers) for (const part of incomplete) this.#missed.inc({ route: prefix, part })
    const link = typeof root.fields.link === 'string' ? ['link', linkAt(root.fields.link, rootPath, path)] : []
    sendJson(exchange, 200, itemsMax === undefined ? answers[0] : answers, ['cache-control', 'no-store', ...link])
  }
}

/** The questions of one request. */
class Asking {
  readonly #parts: AggregationParts
  readonly #asked: { exchange: Exchange; rules: Rules; now: () => number; deadlineAt: number }

  constructor(
    parts: AggregationParts,
    /** Times are monotonic ms. */
    asked: { exchange: Exchange; rules: Rules; now: () => number; deadlineAt: number },
  ) {
    this.#parts = parts
    this.#asked = asked
  }

  /** A bounded number at the same time. */
  async all(paths: readonly string[]): Promise<ReadonlyMap<string, Got>> {
    const got = new Map<string, Got>()
    const waiting = [...paths]
    const work = async () => {
      for (let path = waiting.shift(); path !== undefined; path = waiting.shift()) got.set(path, await this.#get(path))
    }
    await Promise.all(Array.from({ length: Math.min(gatewayLimits.aggregate.atOnceMax, paths.length) }, work))
    return got
  }

  async #get(path: string): Promise<Got> {
    try {
      const received = await this.receive(path, true)
      if (received.status === 200) return { kind: 'value', value: jsonOf(received) }
      return { kind: nothingThere.has(received.status) ? 'absent' : 'away' }
    } catch (error) {
      if (!(error instanceof Failure)) throw error
      return error.code === 'forbidden' || error.code === 'not_found' ? { kind: 'absent' } : { kind: 'away' }
    }
  }

  /**
   * Asks, and takes all of the answer; the deadline holds for its last byte.
   *
   * @param held whether it takes a place of its own among the requests in flight
   * @throws Failure when there was no answer
   */
  async receive(target: string, held = false): Promise<Received> {
    const [path = '', ...rest] = target.split('?')
    const { exchange, rules, now, deadlineAt } = this.#asked
    const found = rules.match('GET', path)
    if (found.kind !== 'route' || found.route.aggregate !== undefined)
      throw new Failure('not_found', `no route leads to ${path}`)
    const { user, gone } = exchange
    checkRoles(found.route.roles, user)
    const leave = held ? this.#parts.room.enter(exchange, rules, found.route) : undefined
    const gathering = new Gathering(gatewayLimits.aggregate.partBytesMax)
    const late = new AbortController()
    let patience: NodeJS.Timeout | undefined
    try {
      await this.#parts.forward.ask(exchange, found.route, {
        path,
        query: rest.length === 0 ? '' : `?${rest.join('?')}`,
        headers: ['accept', 'application/json'],
        user: found.route.auth === 'none' ? undefined : user,
        receiver: gathering,
        head(status, fields) {
          gathering.head(status, fields)
          const failure = new Failure('deadline_exceeded', `the answer of ${found.route.service} did not end in time`)
          patience = setTimeout(() => late.abort(failure), Math.max(0, deadlineAt - now()))
        },
        signal: AbortSignal.any([gone.signal, late.signal]),
        deadlineAt,
      })
      return (await gathering.outcome) as Received
    } catch (error) {
      throw late.signal.aborted ? late.signal.reason : error
    } finally {
      clearTimeout(patience)
      leave?.()
    }
  }
}

/** What a service says where there is nothing for this caller; of anything else one can't know what is missing. */
const nothingThere: ReadonlySet<number> = new Set([204, 403, 404, 410])

/** Each item of a page is several questions: fewer fit on one than on a page of the root alone. */
const checkLimit = (query: string, itemsMax: number): void => {
  const limit = new URLSearchParams(query).get('limit')
  if (limit !== null && Number(limit) > itemsMax)
    throw new Failure('invalid_request', 'the query is not valid', {
      faults: [{ in: 'query', pointer: '/limit', detail: `at most ${itemsMax}` }],
    })
}

const jsonOf = ({ body }: Received): unknown => {
  try {
    return JSON.parse(body.toString())
  } catch (cause) {
    throw new Failure('bad_gateway', 'a service answered what is not JSON', { cause })
  }
}

/** What the root answers instead of its data is the answer. */
const passBack = (exchange: Exchange, route: GatewayRoute, { status, fields, body }: Received): void => {
  if (exchange.response.destroyed) return
  exchange.response.writeHead(status, answerHeaders(exchange, route, status, fields))
  exchange.response.end(body)
}
