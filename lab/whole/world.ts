/** The one system that all scenarios share, and what they look at it with: every tap is outside of the services. */
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import type { Story, StoryCode, StoryStep } from '@svyaz/contracts/http/order-story.ts'
import { isFinal, type OrderStatus } from '@svyaz/contracts/http/order-terms.ts'
import type { OrderView } from '@svyaz/contracts/http/orders.ts'
import type { Payment } from '@svyaz/contracts/http/payments.ts'
import type { Tokens } from '@svyaz/contracts/http/users.ts'
import { until } from '@svyaz/observe/until.ts'
import pg from 'pg'
import type { Order } from '../../services/orders/src/domain.ts'
import { type System, startSystem } from '../../system/src/testing.ts'
import type { Attempt, LedgerFact, StockFact } from '../checker/snapshot.ts'
import { type Answer, type Ask, ask } from './client.ts'
import type { TestEngines } from './engines.ts'
import { Feed } from './socket.ts'

/** What `POST /orders` takes. */
export interface OrderWish {
  readonly items: readonly { readonly productId: string; readonly quantity: number }[]
  readonly payment?: 'queue' | 'now'
  readonly paymentMethod?: 'pm_ok' | 'pm_declined' | 'pm_slow' | 'pm_timeout_but_charged'
  readonly deliveryMethod?: 'dm_ok' | 'dm_fail'
  readonly userId?: string
}

export interface Mail {
  readonly messageId: string
  readonly to: readonly string[]
  readonly subject: string
  readonly duplicateOf?: string
}

/** The first start after a change builds every bundle, on a machine that may have other work. */
const readyTimeoutMs = 150_000

/** A signed-in user. */
export class Person {
  readonly world: World
  readonly id: string
  readonly email: string
  readonly password: string
  token: string
  refreshToken: string

  constructor(world: World, email: string, password: string, tokens: Tokens) {
    this.world = world
    this.email = email
    this.password = password
    this.id = tokens.userId
    this.token = tokens.accessToken
    this.refreshToken = tokens.refreshToken
  }

  // biome-ignore lint/suspicious/noExplicitAny: as in `ask`
  ask<Body = any>(method: string, path: string, options: Ask = {}): Promise<Answer<Body>> {
    return ask<Body>(this.world.gateway, method, path, { token: this.token, ...options })
  }

  /** `POST /orders`, whatever comes of it; the attempt is remembered for the invariants. */
  async tryOrder(wish: OrderWish, key: string = randomUUID()): Promise<Answer> {
    const slot = { userId: wish.userId ?? this.id, key }
    let answer: Answer | undefined
    try {
      answer = await this.ask('POST', '/orders', { body: wish, headers: { 'idempotency-key': key } })
      return answer
    } finally {
      const { attempts } = this.world
      if (answer?.status === 201) attempts.push({ ...slot, orderId: (answer.body as OrderView).id })
      else if (answer !== undefined && answer.status < 500)
        attempts.push({ ...slot, refused: (answer.body as { code: string }).code })
      else attempts.push(slot)
    }
  }

  /** An accepted order. */
  async order(wish: OrderWish): Promise<OrderView> {
    const answer = await this.tryOrder(wish)
    assert.equal(answer.status, 201, `the order was refused: ${JSON.stringify(answer.body)}`)
    return answer.body as OrderView
  }

  async read(orderId: string): Promise<OrderView> {
    const answer = await this.ask<OrderView>('GET', `/orders/${orderId}`)
    assert.equal(answer.status, 200, JSON.stringify(answer.body))
    return answer.body
  }

  async story(orderId: string): Promise<Story> {
    const answer = await this.ask<Story>('GET', `/orders/${orderId}/story`)
    assert.equal(answer.status, 200, JSON.stringify(answer.body))
    return answer.body
  }

  async payment(orderId: string): Promise<Payment | undefined> {
    const answer = await this.ask<Payment[]>('GET', `/payments?orderId=${orderId}`)
    assert.equal(answer.status, 200, JSON.stringify(answer.body))
    return answer.body[0]
  }

  /** Until the order has that status; one that ends in another final status fails at once. */
  async untilStatus(orderId: string, status: OrderStatus, timeoutMs = 30_000): Promise<OrderView> {
    const order = await until(
      `order ${orderId} to be ${status}`,
      async () => {
        const seen = await this.read(orderId)
        return (seen.status === status || isFinal(seen.status)) && seen
      },
      { timeoutMs, everyMs: 150, explain: () => this.world.explain(orderId) },
    )
    if (order.status !== status) assert.equal(order.status, status, await this.world.explain(orderId))
    return order
  }

  /** Until the story has a step of this code, about this kind of notification where it is one. */
  untilTold(orderId: string, code: StoryCode, about?: string): Promise<Story> {
    return until(
      `the story of ${orderId} to have ${code} ${about ?? ''}`,
      async () => {
        const story = await this.story(orderId)
        return (
          story.steps.some((step) => step.code === code && (about === undefined || aboutOf(step) === about)) && story
        )
      },
      { explain: () => this.world.explain(orderId) },
    )
  }

  async openFeed(): Promise<Feed> {
    const feed = new Feed(this.world.gateway, this)
    this.world.feeds.push(feed)
    await feed.open()
    return feed
  }

  mails(): Promise<Mail[]> {
    return this.world.mails(`?to=${encodeURIComponent(this.email)}&limit=100`)
  }

  untilMailed(subject: RegExp): Promise<Mail> {
    return until(`a mail "${subject}" to ${this.email}`, async () =>
      (await this.mails()).find((mail) => subject.test(mail.subject)),
    )
  }
}

export class World implements AsyncDisposable {
  readonly system: System
  /** Engines of others that it runs on; undefined: everything is ours. */
  readonly engines: TestEngines | undefined
  readonly startedInMs: number
  readonly attempts: Attempt[] = []
  readonly feeds: Feed[] = []
  readonly people: Person[] = []
  /** Instances that ended without being told to. */
  readonly deaths: string[] = []
  /** What there was of each product before the first order. */
  initialStock: Record<string, number> = {}
  #admin: Person | undefined
  #products: string[] = []
  readonly #pools = new Map<string, pg.Pool>()

  private constructor(system: System, engines: TestEngines | undefined, startedInMs: number) {
    this.system = system
    this.engines = engines
    this.startedInMs = startedInMs
    system.listen((event) => {
      if (event.type !== 'instance' || event.instance.status !== 'backing-off') return
      this.deaths.push(`${event.instance.name}: ${JSON.stringify(event.instance.lastExit)}`)
    })
  }

  /** @param engines ended with the world, also when it can't start */
  static async start(engines?: TestEngines): Promise<World> {
    const startedAt = performance.now()
    let system: System
    try {
      system = await startSystem({ readyTimeoutMs, ...(engines ? { engines: engines.engines } : {}) })
    } catch (error) {
      await engines?.[Symbol.asyncDispose]()
      throw error
    }
    const world = new World(system, engines, performance.now() - startedAt)
    try {
      world.#admin = await world.login('admin@svyaz.local', 'admin-svyaz')
      const stock = await world.stockLevels()
      world.initialStock = Object.fromEntries(stock.map((level) => [level.productId, level.stocked]))
      // Scenarios must not meet: each takes products of its own, plentiful ones first; the documents' example is everybody's.
      world.#products = stock
        .filter((level) => level.productId !== 'P-1001')
        .sort((a, b) => b.available - a.available)
        .map((level) => level.productId)
      return world
    } catch (error) {
      await world[Symbol.asyncDispose]()
      throw error
    }
  }

  get gateway(): string {
    return this.system.url('gateway')
  }
  get admin(): Person {
    return this.#admin!
  }
  get broker(): string {
    return this.engines?.kafka.brokers.join() ?? new URL(this.system.url('broker', 'kafka')).host
  }
  /** Under which the services ask for their configuration. */
  get profile(): string {
    return this.engines ? 'engines' : 'embedded'
  }

  /** Every order as its service keeps it. */
  async storedOrders(): Promise<{ id: string; userId: string; key: string; document: Order }[]> {
    if (this.engines) return this.engines.storedOrders()
    return this.rows(
      'orders',
      `SELECT id, user_id AS "userId", idempotency_key AS key, document->'order' AS document FROM orders`,
    )
  }

  /** Takes a part away and brings it back, be it ours or an engine. */
  async restart(part: string): Promise<void> {
    if (!(await this.engines?.restart(part))) await this.system.restart(part)
  }

  /** A product that no other scenario uses. */
  product(): string {
    const product = this.#products.shift()
    assert.ok(product, 'the catalogue has no product left for this scenario')
    return product
  }

  /** One of those of which there is little. */
  scarceProduct(): string {
    const product = this.#products.pop()
    assert.ok(product, 'the catalogue has no product left for this scenario')
    return product
  }

  async register(name: string): Promise<Person> {
    const email = `${name.toLowerCase().replaceAll(/\W+/g, '.')}.${randomUUID().slice(0, 8)}@example.org`
    const password = `${name} has a long password`
    // A machine with other work turns some away, and says when to come again.
    const answer = await until('a registration to be taken', async () => {
      const last = await ask(this.gateway, 'POST', '/users', { body: { email, password, name } })
      return last.status === 503 && last.headers['retry-after'] !== undefined ? undefined : last
    })
    assert.equal(answer.status, 201, JSON.stringify(answer.body))
    return this.login(email, password)
  }

  async login(email: string, password: string): Promise<Person> {
    const answer = await ask<Tokens>(this.gateway, 'POST', '/auth/login', { body: { email, password } })
    assert.equal(answer.status, 200, JSON.stringify(answer.body))
    const person = new Person(this, email, password, answer.body)
    this.people.push(person)
    return person
  }

  /** Changes properties at run time, as an operator does, and waits until every instance has applied them. */
  async configure(application: string, properties: Record<string, unknown>): Promise<void> {
    const answer = await this.admin.ask('PUT', `/admin/${application}/${this.profile}`, { body: { properties } })
    assert.equal(answer.status, 200, JSON.stringify(answer.body))
    const set = Object.entries(properties).filter(([, value]) => value !== null)
    for (const instance of this.system.instances().filter((view) => view.service === application)) {
      await until(`${instance.name} to apply ${JSON.stringify(properties)}`, async () => {
        const { settings } = await this.info(instance.name)
        return set.every(([name, value]) => JSON.stringify(settings[name]) === JSON.stringify(value))
      })
    }
  }

  async info(instance: string): Promise<{ settings: Record<string, unknown>; pid: number }> {
    const view = this.system.instances().find((candidate) => candidate.name === instance)
    return (await fetch(`http://127.0.0.1:${view?.ports.management}/info`)).json() as Promise<{
      settings: Record<string, unknown>
      pid: number
    }>
  }

  /** Rows of a service's own database. Keys come as the columns are called. */
  // biome-ignore lint/suspicious/noExplicitAny: each query has its own columns
  async rows<Row = any>(service: string, sql: string, values: unknown[] = []): Promise<Row[]> {
    let pool = this.#pools.get(service)
    if (pool === undefined) {
      pool = new pg.Pool({ connectionString: this.system.databaseUrl(service), max: 2 })
      pool.on('error', () => {})
      this.#pools.set(service, pool)
    }
    return (await pool.query(sql, values)).rows as Row[]
  }

  stockLevels(): Promise<StockFact[]> {
    return this.rows<StockFact>(
      'inventory',
      'SELECT product_id AS "productId", available, reserved, sold, stocked FROM stock ORDER BY product_id',
    )
  }

  async stock(productId: string): Promise<Omit<StockFact, 'productId'>> {
    const { productId: _, ...level } = (await this.stockLevels()).find(
      (candidate) => candidate.productId === productId,
    )!
    return level
  }

  /** The processor's own ledger, or what it says of one order. */
  async ledger(orderId?: string): Promise<LedgerFact[]> {
    const text = await (await fetch(`${this.system.url('payment-processor')}/ledger`)).text()
    return text
      .split('\n')
      .filter((line) => line !== '')
      .map((line): LedgerFact => {
        const entry = JSON.parse(line)
        if (entry.type === 'charge') {
          const { key, status, amountMinor } = entry.charge
          return { type: 'charge', key, succeeded: status === 'succeeded', amountMinor }
        }
        if (entry.type === 'refund')
          return { type: 'refund', key: entry.refund.chargeKey, amountMinor: entry.refund.amountMinor }
        return { type: 'void', key: entry.void.key, amountMinor: entry.void.returnedMinor }
      })
      .filter((fact) => orderId === undefined || fact.key === `charge:${orderId}`)
  }

  /** What the processor holds for an order, in minor units. */
  async held(orderId: string): Promise<number> {
    return (await this.ledger(orderId)).reduce(
      (sum, fact) => sum + (fact.type !== 'charge' ? -fact.amountMinor : fact.succeeded ? fact.amountMinor : 0),
      0,
    )
  }

  async mails(query = ''): Promise<Mail[]> {
    const answer = await fetch(`${this.system.url('mail-sink')}/mails${query}`)
    return ((await answer.json()) as { mails: Mail[] }).mails
  }

  async telemetry<T>(path: string): Promise<T> {
    const answer = await fetch(`${this.system.url('telemetry', 'otlp')}${path}`)
    assert.equal(answer.status, 200, `${path}: ${answer.status}`)
    return (await answer.json()) as T
  }

  /** What a person needs who asks why an order is where it is: its story and what the instances said of it. */
  async explain(orderId: string): Promise<string> {
    const story = await this.admin.story(orderId).catch((error: unknown) => String(error))
    const traces = typeof story === 'string' ? [] : story.steps?.flatMap((step) => step.traceId ?? [])
    const named = [orderId, ...new Set(traces)]
    const logs = this.system.instances().flatMap(({ name, kind, status }) => {
      if (kind === 'engine') return []
      const lines = this.system.logs(name, 2_000)
      const about = lines.filter((line) => named.some((id) => line.includes(id)))
      const worried = lines.filter((line) => /"level":"(warn|error)"/.test(line))
      return [`── ${name} (${status})`, ...new Set([...worried.slice(-5), ...about.slice(-5)])]
    })
    return [JSON.stringify(story, null, 1), ...logs].join('\n')
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.allSettled(this.feeds.map((feed) => feed.close()))
    await Promise.allSettled([...this.#pools.values()].map((pool) => pool.end()))
    await this.system[Symbol.asyncDispose]()
    await this.engines?.[Symbol.asyncDispose]()
  }
}

/** The kind of notification that a step is about; empty for every other step. */
export const aboutOf = (step: StoryStep): string =>
  step.code === 'mail_sent' || step.code === 'frame_sent' ? step.data.about : ''
