/** The one system that all scenarios share, and what they look at it with: every tap is outside of the services. */
import assert from 'node:assert/strict'
import { isDeepStrictEqual } from 'node:util'
import { Databases } from '@svyaz/observe/databases.ts'
import type { Feed } from '@svyaz/observe/feed.ts'
import { entriesOf, type Mail, readLedger, readMails } from '@svyaz/observe/ledger.ts'
import { administrator, Person } from '@svyaz/observe/person.ts'
import type { Attempt, LedgerFact, StockFact } from '@svyaz/observe/snapshot.ts'
import { type EventTap, Topics } from '@svyaz/observe/topics.ts'
import { until } from '@svyaz/observe/until.ts'
import type { Order } from '../../services/orders/src/domain.ts'
import { type System, startSystem } from '../../system/src/testing.ts'
import type { TestEngines } from './engines.ts'

/** The first start after a change builds every bundle, on a machine that may have other work. */
const readyTimeoutMs = 150_000

export class World implements AsyncDisposable {
  readonly system: System
  readonly databases: Databases
  /** Engines of others that it runs on; undefined: everything is ours. */
  readonly engines: TestEngines | undefined
  readonly startedInMs: number
  /** Orders placed by others than the people below. */
  readonly attempts: Attempt[] = []
  readonly people: Person[] = []
  /** Instances that ended without being told to. */
  readonly deaths: string[] = []
  /** Those that `kill` ends, until they have. */
  readonly #killed = new Set<string>()
  /** What there was of each product before the first order. */
  initialStock: Record<string, number> = {}
  #admin: Person | undefined
  #topics: Topics | undefined
  #products: string[] = []

  private constructor(system: System, engines: TestEngines | undefined, startedInMs: number) {
    this.system = system
    this.databases = new Databases((service) => system.databaseUrl(service))
    this.engines = engines
    this.startedInMs = startedInMs
    system.listen((event) => {
      if (event.type !== 'instance' || event.instance.status !== 'backing-off') return
      if (this.#killed.delete(event.instance.name)) return
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
      await system.start('graphql')
      world.#admin = await world.login(administrator.email, administrator.password)
      const stock = await world.databases.stock()
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

  get feeds(): Feed[] {
    return this.people.flatMap(({ feeds }) => feeds)
  }
  get gateway(): string {
    return this.system.url('gateway')
  }
  get admin(): Person {
    return this.#admin!
  }
  get topics(): Topics {
    this.#topics ??= new Topics(this.broker.split(','), 'whole-system-test')
    return this.#topics
  }
  /** The events, whatever carries them. */
  get events(): EventTap {
    return this.engines?.events ?? this.topics
  }
  get broker(): string {
    return this.engines?.kafka?.brokers.join() ?? new URL(this.system.url('broker', 'kafka')).host
  }
  /** Under which the services ask for their configuration. */
  get profile(): string {
    return this.engines ? 'engines' : 'embedded'
  }

  /** Every order as its service keeps it. */
  async storedOrders(): Promise<{ id: string; userId: string; key: string; document: Order }[]> {
    if (this.engines?.storedOrders) return this.engines.storedOrders()
    return this.databases.rows(
      'orders',
      `SELECT id, user_id AS "userId", idempotency_key AS key, document->'order' AS document FROM orders`,
    )
  }

  /** Takes a part away and brings it back, be it ours or an engine. */
  /** Kills the first instance of a service; its death is none of its own. */
  async kill(service: string): Promise<void> {
    this.#killed.add(`${service}-1`)
    await this.system.kill(service)
  }

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
    return this.#met(await Person.register(this.gateway, name, (orderId) => this.explain(orderId)))
  }

  async login(email: string, password: string): Promise<Person> {
    const account = { name: email, email, password }
    return this.#met(await Person.signIn(this.gateway, account, (orderId) => this.explain(orderId)))
  }

  #met(person: Person): Person {
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
        // Not their texts: what PostgreSQL keeps as jsonb comes back with its keys in another order.
        return set.every(([name, value]) => isDeepStrictEqual(settings[name], JSON.parse(JSON.stringify(value))))
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

  async stock(productId: string): Promise<Omit<StockFact, 'productId'>> {
    const { productId: _, ...level } = (await this.databases.stock()).find(
      (candidate) => candidate.productId === productId,
    )!
    return level
  }

  /** The provider's own ledger, or what it says of one order. */
  async ledger(orderId?: string): Promise<LedgerFact[]> {
    const facts = await readLedger(this.system.url('payment-processor'))
    return facts.filter(({ key }) => orderId === undefined || key === `charge:${orderId}`)
  }

  /** What the provider holds for an order, in minor units. */
  async held(orderId: string): Promise<number> {
    return entriesOf(await this.ledger(), orderId).reduce((sum, amount) => sum + amount, 0)
  }

  mails(to?: string): Promise<Mail[]> {
    return readMails(this.system.url('mail-sink'), to)
  }

  untilMailed({ email }: Person, subject: RegExp): Promise<Mail> {
    return until(`a mail "${subject}" to ${email}`, async () =>
      (await this.mails(email)).find((mail) => subject.test(mail.subject)),
    )
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
    await this.databases[Symbol.asyncDispose]()
    await this.system[Symbol.asyncDispose]()
    await this.engines?.[Symbol.asyncDispose]()
  }
}
