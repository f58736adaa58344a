/**
 * Answers of routes that have a `cache`: given from what is kept while it is fresh, else asked for, once for all who want
 * the same at the same time. What may be kept is decided in cache-rules.ts, where it is kept in cache-store.ts.
 *
 * The question carries nothing that its key doesn't hold: the path with its query, the headers that the route names, and
 * the caller of a personal answer. So no header can make an answer for others, and none of a user's goes into one that is
 * everybody's.
 */
import { hash } from 'node:crypto'
import { Failure, type Metrics, toFailure, whenAborted } from '@svyaz/kit'
import { send } from './answers.ts'
import {
  type CacheRule,
  type CacheStatus,
  cacheStatus,
  type Found,
  freshened,
  hasAlready,
  isAbout,
  isErrorStatus,
  isFresh,
  type KeptAnswer,
  keepable,
  mayStandForError,
  type Received,
  type Wishes,
  wishesOf,
} from './cache-rules.ts'
import { type CacheStore, type Marks, type Tag, tagsAt } from './cache-store.ts'
import { ClientReceiver } from './client-receiver.ts'
import { gatewayLimits } from './config.ts'
import type { Exchange, GatewayContext } from './exchange.ts'
import { answerHeaders, type Forward } from './forward.ts'
import { Gathering } from './gathering.ts'
import type { Fields } from './headers.ts'
import type { SignedIn } from './introspection.ts'
import type { GatewayRoute } from './routes.ts'

/** One request of a cached route, and what is known of its answer. */
interface Asked {
  exchange: Exchange
  route: GatewayRoute
  rule: CacheRule
  key: string
  tags: readonly Tag[]
  wishes: Wishes
  found: Found | undefined
  marks: Marks
  /** Whose answer it is; undefined: everybody's. */
  user: SignedIn | undefined
}

/** What came of a question, for those who waited for it too. */
type Outcome =
  | { kind: 'kept'; answer: KeptAnswer; fwdStatus: number }
  /** No good answer: what is kept may stand for it. */
  | { kind: 'failed'; failure: Failure }
  /** It may be given to nobody but the one who asked. */
  | { kind: 'own' }

export class ResponseCache {
  readonly #forward: Forward
  readonly #store: CacheStore
  readonly #served: ReturnType<Metrics['counter']>
  readonly #underWay = new Map<string, Question>()

  constructor({ metrics }: Pick<GatewayContext, 'metrics'>, forward: Forward, store: CacheStore) {
    this.#forward = forward
    this.#store = store
    this.#served = metrics.counter(
      'gateway_cache_total',
      'Requests of routes with a cache, by how they were answered',
      ['route', 'result'],
    )
  }

  /**
   * Answers a GET or HEAD. Throws the Failure that the client gets instead.
   *
   * @param enter takes a place among the requests in flight; called when a service has to be asked
   */
  async answer(exchange: Exchange, route: GatewayRoute, rule: CacheRule, enter: () => void): Promise<void> {
    const { headers } = exchange.request
    const user = rule.by === 'user' ? exchange.user : undefined
    const key = keyOf(exchange, route, rule, user)
    const tags = tagsAt(route.prefix, exchange.target.path)
    const wishes = wishesOf(headers['cache-control'], headers.pragma as string | undefined)
    const looked = this.#store.look(key, tags)
    const { found, marks } = looked instanceof Promise ? await looked : looked
    const asked: Asked = { exchange, route, rule, key, tags, wishes, found, marks, user }
    if (found !== undefined && isFresh(found, wishes)) {
      this.#count(route, 'hit')
      const ttlMs = found.answer.freshMs - found.ageMs
      return this.#serve(exchange, found.answer, found.ageMs, { hit: true, ttlMs })
    }
    if (wishes.onlyIfCached)
      throw new Failure('deadline_exceeded', 'no answer is kept that may be given without asking')
    enter()
    if (exchange.method === 'HEAD') return this.#passOn(asked)
    const question = this.#underWay.get(key)
    // One that was asked before the data changed is no answer to a request that came after.
    if (question !== undefined && !wishes.noCache && question.marks.every((mark, at) => mark === marks[at]))
      return this.#join(asked, question)
    return this.#ask(asked)
  }

  /** After a request that changed what is at a path: what is kept of it, and of lists that hold it, is stale (RFC 9111, 4.4). */
  changed(prefix: string, path: string): void | Promise<void> {
    return this.#store.changed(path === prefix ? [prefix] : [prefix, ...tagsAt(prefix, path)])
  }

  /** HEAD of what isn't kept: the service answers it, and nothing is kept. */
  async #passOn({ exchange, route }: Asked): Promise<void> {
    this.#count(route, 'passed')
    exchange.answerHeaders.push('cache-status', 'svyaz; fwd=method')
    await this.#forward.send(exchange, route, { kind: 'none' })
  }

  async #join(asked: Asked, question: Question): Promise<void> {
    const { exchange, route } = asked
    const outcome = await question.wait(exchange)
    if (outcome.kind === 'own') return this.#ask(asked)
    if (outcome.kind === 'failed') return this.#instead(asked, outcome.failure)
    this.#count(route, 'collapsed')
    this.#serve(exchange, outcome.answer, outcome.answer.ageMsAtFirst, {
      ...fwdOf(asked),
      fwdStatus: outcome.fwdStatus,
      collapsed: true,
    })
  }

  async #ask(asked: Asked): Promise<void> {
    const { exchange, key, wishes, marks, route } = asked
    const question = new Question(marks, route.timeoutMs + gatewayLimits.bodySilenceMs)
    const shared = !wishes.noStore && !this.#underWay.has(key)
    if (shared) this.#underWay.set(key, question)
    void question.wait(exchange)
    let received: Received | 'overflow'
    try {
      received = await this.#receive(asked, question)
    } catch (error) {
      const failure = toFailure(error)
      question.settle({ kind: 'failed', failure })
      return this.#instead(asked, failure)
    } finally {
      if (shared) this.#underWay.delete(key)
    }
    if (received !== 'overflow') await this.#take(asked, question, received)
  }

  async #receive(asked: Asked, question: Question): Promise<Received | 'overflow'> {
    const { exchange, route, rule, found, user } = asked
    const headers = rule.vary.flatMap((name) => {
      const value = exchange.request.headers[name]
      return value === undefined ? [] : [name, String(value)]
    })
    if (found?.answer.revalidates === true) headers.push('if-none-match', found.answer.etag)
    const gathering = new Gathering(gatewayLimits.cache.answerBytesMax, (status, fields) => {
      question.settle({ kind: 'own' })
      this.#count(route, 'passed')
      exchange.answerHeaders.push('cache-status', cacheStatus({ ...fwdOf(asked), detail: 'size' }))
      exchange.response.writeHead(status, answerHeaders(exchange, route, status, fields))
      return new ClientReceiver(exchange.response)
    })
    await this.#forward.ask(exchange, route, {
      path: exchange.target.path,
      query: exchange.target.query,
      headers,
      user,
      receiver: gathering,
      head: (status, fields) => gathering.head(status, fields),
      signal: question.signal,
    })
    return gathering.outcome
  }

  /** The service has answered. */
  async #take(asked: Asked, question: Question, received: Received): Promise<void> {
    const { exchange, route, rule, found, wishes } = asked
    const { status, fields } = received
    if (isErrorStatus(status) && found !== undefined && mayStandForError(found, wishes)) {
      const failure = new Failure('unavailable', `${route.service} answered ${status}`)
      question.settle({ kind: 'failed', failure })
      return this.#instead(asked, failure)
    }
    if (status === 304) return this.#confirm(asked, question, fields)
    const kept = keepable(received, rule, weakTag)
    if (typeof kept === 'string') {
      question.settle({ kind: 'own' })
      this.#count(route, 'passed')
      exchange.answerHeaders.push('cache-status', cacheStatus({ ...fwdOf(asked), fwdStatus: status, detail: kept }))
      return passBack(exchange, route, received)
    }
    this.#count(route, 'asked')
    await this.#keep(asked, question, kept, status)
  }

  /** The service says that what is kept hasn't changed. */
  async #confirm(asked: Asked, question: Question, fields: Fields): Promise<void> {
    const { exchange, route, rule, found } = asked
    if (found === undefined || !isAbout(found.answer, fields)) {
      const failure = new Failure('bad_gateway', `${route.service} answered 304 to what it wasn't asked`)
      question.settle({ kind: 'own' })
      if (found?.answer.revalidates !== true) throw failure
      // Of something else: what is kept stays, and the question is put without it.
      return this.#ask({ ...asked, found: undefined })
    }
    const { answer, fault } = freshened(found.answer, fields, rule)
    if (fault === undefined) {
      this.#count(route, 'revalidated')
      return this.#keep(asked, question, answer, 304)
    }
    // In its place comes what nobody can use: it is gone.
    await this.#store.keep(asked.key, asked.tags, answer, asked.marks)
    question.settle({ kind: 'own' })
    this.#count(route, 'passed')
    this.#serve(exchange, answer, answer.ageMsAtFirst, { ...fwdOf(asked), fwdStatus: 304, detail: fault })
  }

  async #keep(asked: Asked, question: Question, answer: KeptAnswer, fwdStatus: number): Promise<void> {
    const stored = !asked.wishes.noStore
    if (stored) await this.#store.keep(asked.key, asked.tags, answer, asked.marks)
    question.settle({ kind: 'kept', answer, fwdStatus })
    const said = stored ? { fwdStatus, stored } : { fwdStatus }
    this.#serve(asked.exchange, answer, answer.ageMsAtFirst, { ...fwdOf(asked), ...said })
  }

  /** In place of an answer that didn't come: a stale one, else the route's substitute, else the failure. */
  #instead(asked: Asked, failure: Failure): void {
    const { exchange, route, found, wishes } = asked
    if (found !== undefined && mayStandForError(found, wishes)) {
      this.#count(route, 'stale')
      exchange.failure = failure
      const ttlMs = found.answer.freshMs - found.ageMs
      const status: CacheStatus = { ...fwdOf(asked), fwdStatus: failure.status, ttlMs, detail: 'stale-if-error' }
      return this.#serve(exchange, found.answer, found.ageMs, status)
    }
    this.#count(route, 'failed')
    if (failure.code !== 'unavailable') throw failure
    this.#forward.substitute(exchange, route, failure)
  }

  #serve(exchange: Exchange, answer: KeptAnswer, ageMs: number, status: CacheStatus): void {
    const headers = [...answer.headers, 'age', String(Math.floor(ageMs / 1000)), 'cache-status', cacheStatus(status)]
    if (answer.status === 200 && hasAlready(exchange.request.headers['if-none-match'], answer.etag))
      return send(exchange, 304, withoutContent(headers))
    send(exchange, answer.status, headers, answer.body)
  }

  #count(route: GatewayRoute, result: string): void {
    this.#served.inc({ route: route.prefix, result })
  }
}

/** A question that is under way, shared by all who want its answer; ends when none of them is there any more. */
class Question {
  readonly marks: Marks
  readonly #stop = new AbortController()
  readonly #outcome = Promise.withResolvers<Outcome>()
  readonly #timer: NodeJS.Timeout
  #waiting = 0

  /** @param msMax for head and body together */
  constructor(marks: Marks, msMax: number) {
    this.marks = marks
    this.#timer = setTimeout(
      () => this.#stop.abort(new Failure('deadline_exceeded', `no whole answer within ${msMax} ms`)),
      msMax,
    )
  }

  get signal(): AbortSignal {
    return this.#stop.signal
  }

  settle(outcome: Outcome): void {
    clearTimeout(this.#timer)
    this.#outcome.resolve(outcome)
  }

  wait({ gone }: Exchange): Promise<Outcome> {
    this.#waiting++
    whenAborted(gone.signal, () => --this.#waiting === 0 && this.#stop.abort())
    return this.#outcome.promise
  }
}

const keyOf = (exchange: Exchange, route: GatewayRoute, rule: CacheRule, user: SignedIn | undefined): string => {
  const { target, request } = exchange
  const whose = user === undefined ? '' : `${user.userId} ${user.roles.join(',')} ${user.sessionId ?? ''}`
  const parts = [route.service, whose, target.path + target.query]
  for (const name of rule.vary) parts.push(String(request.headers[name] ?? ''))
  return parts.join('\n')
}

const fwdOf = ({ found, wishes }: Asked): CacheStatus => ({
  fwd: found === undefined ? 'uri-miss' : wishes.noCache ? 'request' : 'stale',
})

/** Two bodies of one tag are the same to a reader, not necessarily byte for byte as a service would promise. */
const weakTag = (body: Buffer): string => `W/"${hash('sha256', body, 'base64url').slice(0, 22)}"`

const passBack = (exchange: Exchange, route: GatewayRoute, { status, fields, body }: Received): void => {
  if (exchange.response.destroyed) return
  exchange.response.writeHead(status, answerHeaders(exchange, route, status, fields))
  exchange.response.end(body)
}

/** A 304 has no body to describe (RFC 9110, 15.4.5). */
const withoutContent = (headers: readonly string[]): string[] => {
  const kept: string[] = []
  for (let at = 0; at < headers.length; at += 2)
    if (!headers[at]!.startsWith('content-')) kept.push(headers[at]!, headers[at + 1]!)
  return kept
}
