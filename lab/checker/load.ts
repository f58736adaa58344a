/**
 * The seeded load: users who place, repeat, change, cancel and read orders through the gateway, at a steady rate whatever
 * becomes of the answers (an open loop, so that a system that stalls meets the requests that it caused to wait).
 */
import { setTimeout as delay } from 'node:timers/promises'
import { type Answer, type Ask, ask, traceIdOf, wasReplayed } from '@svyaz/observe/http.ts'
import type { Person } from '@svyaz/observe/person.ts'
import type { LoadFact } from './evidence.ts'
import { type History, outcomeOf } from './history.ts'
import type { Random } from './random.ts'

/** Who places orders. */
export type Orderer = Pick<Person, 'id' | 'name' | 'token'>

export interface LoadOptions {
  readonly base: string
  readonly users: readonly Orderer[]
  readonly admin: Orderer
  readonly ordersPerSecond: number
  /** Products with enough stock for the run, and those of which there is little. */
  readonly products: readonly string[]
  readonly scarceProducts: readonly string[]
  readonly history: History
  readonly random: Random
  /** Names of this run's Idempotency-Keys. */
  readonly runName: string
}

export interface LoadCounts {
  accepted: number
  refused: number
  unanswered: number
  replayed: number
  /** Turns skipped because too many requests were under way: the machine did not carry the rate. */
  skipped: number
}

const requestsAtOnceMax = 1_000
/** A client that got no answer asks again with the same key, for this long. */
const repeatForMs = 60_000
const restockEveryMs = 5_000
const answerWithinMs = 15_000

export class Load {
  /** Ids of accepted orders; one that was sent twice under one key is one. */
  readonly orders = new Set<string>()
  readonly counts: LoadCounts = { accepted: 0, refused: 0, unanswered: 0, replayed: 0, skipped: 0 }
  readonly #options: LoadOptions
  readonly #stopping = new AbortController()
  readonly #underWay = new Set<Promise<unknown>>()
  #placed = 0
  #startedAt = 0
  #loadedMs = 0
  #running: Promise<unknown> | undefined

  constructor(options: LoadOptions) {
    this.#options = options
  }

  get fact(): LoadFact {
    return { asked: this.#options.ordersPerSecond, placed: this.#placed, seconds: this.#loadedMs / 1_000 }
  }

  start(): void {
    this.#startedAt = performance.now()
    this.#running = Promise.all([this.#placeOrders(), this.#restock()])
  }

  /** Blocks the user for good, as an admin does: some orders of theirs are open, and some come in at the same moment. */
  block(user: Orderer): void {
    const random = this.#options.random.fork()
    const order = (name: string) =>
      this.#place(user, `${this.#options.runName}-${user.name}-${name}`, this.#wish(random))
    const several = (names: string) => [1, 2, 3].map((number) => order(`${names}-${number}`))
    const blocked = async () => {
      await Promise.all(several('before'))
      const block = this.#repeat('blockUser', this.#options.admin, user.id, {}, () => ({
        method: 'POST',
        path: `/users/${user.id}/block`,
        body: { reason: 'the checker blocks' },
      }))
      await Promise.all([block, ...several('meanwhile')])
    }
    this.#track(blocked())
  }

  /** Begins nothing new; resolves when every client has its answer or has given up. */
  async stop(): Promise<void> {
    this.#stopping.abort()
    this.#loadedMs ||= performance.now() - this.#startedAt
    await this.#running
    await Promise.all(this.#underWay)
  }

  async #placeOrders(): Promise<void> {
    const everyMs = 1_000 / this.#options.ordersPerSecond
    for (let turn = 0; !this.#stopping.signal.aborted; ) {
      // Every turn that is due, for this process too may have been kept waiting by what it loads.
      for (; this.#startedAt + turn * everyMs <= performance.now(); turn++)
        if (this.#underWay.size < requestsAtOnceMax) this.#track(this.#oneOrder(this.#options.random.fork()))
        else this.counts.skipped += 1
      await this.#pause(this.#startedAt + turn * everyMs - performance.now())
    }
  }

  async #restock(): Promise<void> {
    const { products, random, admin, runName } = this.#options
    for (let turn = 1; ; turn++) {
      await this.#pause(restockEveryMs)
      if (this.#stopping.signal.aborted) return
      const product = random.pick(products)
      const request = { productId: product, quantity: random.between(1, 5) }
      const key = `${runName}-restock-${turn}`
      this.#track(
        this.#repeat('restock', admin, key, request, () => ({
          method: 'POST',
          path: `/products/${product}/restock`,
          headers: { 'idempotency-key': key },
          body: { quantity: request.quantity },
        })),
      )
    }
  }

  /** The life of one order as its user lives it. */
  async #oneOrder(random: Random): Promise<void> {
    const { users, runName } = this.#options
    const user = random.pick(users)
    const key = `${runName}-${++this.#placed}`
    const wish = this.#wish(random)
    const plan = random.weighted({ wait: 72, cancel: 12, change: 4, read: 4, repeat: 4, otherBody: 2, twice: 2 })
    const placing = [this.#place(user, key, wish)]
    if (plan === 'twice') placing.push(this.#place(user, key, wish))
    const answer = (await Promise.all(placing)).find((one) => one?.status === 201)
    if (answer?.status !== 201) return
    const orderId: string = answer.body.id
    await delay(random.between(0, 2_500))
    if (plan === 'repeat') await this.#place(user, key, wish)
    if (plan === 'otherBody') await this.#place(user, key, { ...wish, items: this.#items(random) })
    if (plan === 'cancel')
      await this.#repeat('cancelOrder', user, orderId, {}, () => ({
        method: 'POST',
        path: `/orders/${orderId}/cancel`,
      }))
    if (plan === 'change')
      await this.#once('changeOrder', user, orderId, {
        method: 'PATCH',
        path: `/orders/${orderId}`,
        body: { items: this.#items(random) },
      })
    if (plan === 'read')
      await this.#repeat('readOrder', user, orderId, {}, () => ({ method: 'GET', path: `/orders/${orderId}` }))
  }

  #wish(random: Random) {
    const scarce = random.chance(0.02)
    return {
      items: scarce
        ? [{ productId: random.pick(this.#options.scarceProducts), quantity: random.between(1, 3) }]
        : this.#items(random),
      payment: random.weighted({ queue: 60, now: 40 }),
      paymentMethod: random.weighted({ pm_ok: 84, pm_declined: 8, pm_slow: 6, pm_timeout_but_charged: 2 }),
      deliveryMethod: random.weighted({ dm_ok: 92, dm_fail: 8 }),
    }
  }

  #items(random: Random) {
    if (random.chance(0.01)) return [{ productId: 'P-9999', quantity: 1 }]
    return random
      .shuffled(this.#options.products)
      .slice(0, random.between(1, 3))
      .map((productId) => ({ productId, quantity: random.between(1, 2) }))
  }

  async #place(user: Orderer, key: string, wish: object): Promise<Answer | undefined> {
    const answer = await this.#repeat('createOrder', user, key, wish, () => ({
      method: 'POST',
      path: '/orders',
      headers: { 'idempotency-key': key },
      body: wish,
    }))
    if (answer === undefined) this.counts.unanswered += 1
    else if (answer.status === 201) {
      this.counts.accepted += 1
      this.orders.add((answer.body as { id: string }).id)
    } else this.counts.refused += 1
    if (answer && wasReplayed(answer)) this.counts.replayed += 1
    return answer
  }

  /** Asks until a definite answer comes; undefined when none came in time. */
  async #repeat(
    f: string,
    user: Orderer,
    key: string,
    request: object,
    call: () => Ask & { method: string; path: string },
  ): Promise<Answer | undefined> {
    const giveUpAt = performance.now() + repeatForMs
    for (let attempt = 1; performance.now() < giveUpAt; attempt++) {
      const answer = await this.#once(f, user, key, { ...call(), request })
      if (answer && outcomeOf(answer.status) !== 'info') return answer
      await delay(Math.min(200 * attempt, 2_000))
    }
    return undefined
  }

  async #once(
    f: string,
    user: Orderer,
    key: string,
    { method, path, request, ...options }: Ask & { method: string; path: string; request?: object },
  ): Promise<Answer | undefined> {
    const { history, base } = this.#options
    const about = { process: user.name, f, key }
    history.write({ ...about, type: 'invoke', request: request ?? options.body })
    try {
      const answer = await ask(method, `${base}${path}`, { timeoutMs: answerWithinMs, ...options, token: user.token })
      const traceId = traceIdOf(answer)
      history.write({
        ...about,
        type: outcomeOf(answer.status),
        request: request ?? options.body,
        response: {
          status: answer.status,
          id: answer.body?.id,
          code: answer.body?.code,
          replayed: wasReplayed(answer),
        },
        ...(traceId === undefined ? {} : { traceId }),
      })
      return answer
    } catch (error) {
      history.write({ ...about, type: 'info', request: request ?? options.body, response: String(error) })
      return undefined
    }
  }

  #track(work: Promise<unknown>): void {
    this.#underWay.add(work)
    void work.finally(() => this.#underWay.delete(work))
  }

  #pause(ms: number): Promise<unknown> {
    return delay(Math.max(0, ms), undefined, { signal: this.#stopping.signal }).catch(() => undefined)
  }
}
