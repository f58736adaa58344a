/** Somebody with an account, who orders and looks at their orders through the gateway as any client does. */
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import type { Story, StoryCode, StoryStep } from '@svyaz/contracts/http/order-story.ts'
import { isFinal, type OrderStatus } from '@svyaz/contracts/http/order-terms.ts'
import type { OrderView } from '@svyaz/contracts/http/orders.ts'
import type { Payment } from '@svyaz/contracts/http/payments.ts'
import type { Tokens } from '@svyaz/contracts/http/users.ts'
import { Feed } from './feed.ts'
import { type Answer, type Ask, ask, demand } from './http.ts'
import type { Attempt } from './snapshot.ts'
import { until } from './until.ts'

export interface Account {
  readonly name: string
  readonly email: string
  readonly password: string
}

/** Whom the embedded profile puts in place. */
export const administrator: Account = {
  name: 'Administrator',
  email: 'admin@svyaz.local',
  password: 'admin-svyaz',
}

/** What `POST /orders` takes. */
export interface OrderWish {
  readonly items: readonly { readonly productId: string; readonly quantity: number }[]
  readonly payment?: 'queue' | 'now'
  readonly paymentMethod?: 'pm_ok' | 'pm_declined' | 'pm_slow' | 'pm_timeout_but_charged'
  readonly deliveryMethod?: 'dm_ok' | 'dm_fail'
  readonly userId?: string
}

/** What else a reader needs who asks why an order is where it is. */
export type Explain = (orderId: string) => Promise<string> | string

const patienceMs = 60_000

/** Comes again when a refusal says so, as a client should: a machine with other work turns requests away. */
async function patiently<Body>(once: () => Promise<Answer<Body>>): Promise<Answer<Body>> {
  const giveUpAt = performance.now() + patienceMs
  for (;;) {
    const answer = await once()
    const retryAfter = answer.status === 429 || answer.status === 503 ? answer.headers['retry-after'] : undefined
    if (retryAfter === undefined || performance.now() > giveUpAt) return answer
    await delay(Number(retryAfter) * 1_000)
  }
}

export class Person implements Account {
  readonly gateway: string
  readonly id: string
  readonly name: string
  readonly email: string
  readonly password: string
  token: string
  refreshToken: string
  /** Every `POST /orders` made here, as its client saw it. */
  readonly attempts: Attempt[] = []
  readonly feeds: Feed[] = []
  readonly #explain: Explain | undefined

  constructor(gateway: string, { name, email, password }: Account, tokens: Tokens, explain?: Explain) {
    this.gateway = gateway
    this.name = name
    this.email = email
    this.password = password
    this.id = tokens.userId
    this.token = tokens.accessToken
    this.refreshToken = tokens.refreshToken
    this.#explain = explain
  }

  /** A new user, with an address and a password of their own. @throws Error that shows the refusal */
  static async register(gateway: string, name: string, explain?: Explain): Promise<Person> {
    const email = `${name.toLowerCase().replaceAll(/\W+/g, '.')}.${randomUUID().slice(0, 8)}@example.org`
    const account = { name, email, password: `${name} has a long password` }
    await demand(
      201,
      patiently(() => ask('POST', `${gateway}/users`, { body: account })),
    )
    return Person.signIn(gateway, account, explain)
  }

  /** A session of a user that exists. @throws Error that shows the refusal */
  static async signIn(gateway: string, account: Account, explain?: Explain): Promise<Person> {
    const { email, password } = account
    const login = () => ask<Tokens>('POST', `${gateway}/auth/login`, { body: { email, password } })
    const { body } = await demand(200, patiently(login))
    return new Person(gateway, account, body, explain)
  }

  // biome-ignore lint/suspicious/noExplicitAny: as in `ask`
  ask<Body = any>(method: string, path: string, options: Ask = {}): Promise<Answer<Body>> {
    return ask<Body>(method, `${this.gateway}${path}`, { token: this.token, ...options })
  }

  /** `POST /orders`, whatever comes of it. */
  async tryOrder(wish: OrderWish, key: string = randomUUID()): Promise<Answer> {
    const slot = { userId: wish.userId ?? this.id, key }
    let answer: Answer | undefined
    try {
      answer = await this.ask('POST', '/orders', { body: wish, headers: { 'idempotency-key': key } })
      return answer
    } finally {
      if (answer?.status === 201) this.attempts.push({ ...slot, orderId: (answer.body as OrderView).id })
      else if (answer !== undefined && answer.status < 500)
        this.attempts.push({ ...slot, refused: (answer.body as { code: string }).code })
      else this.attempts.push(slot)
    }
  }

  /** An accepted order. */
  async order(wish: OrderWish): Promise<OrderView> {
    return (await demand(201, this.tryOrder(wish))).body as OrderView
  }

  async #get<Body>(path: string): Promise<Body> {
    return (await demand(200, this.ask<Body>('GET', path))).body
  }

  read(orderId: string): Promise<OrderView> {
    return this.#get(`/orders/${orderId}`)
  }

  story(orderId: string): Promise<Story> {
    return this.#get(`/orders/${orderId}/story`)
  }

  async payment(orderId: string): Promise<Payment | undefined> {
    return (await this.#get<Payment[]>(`/payments?orderId=${orderId}`))[0]
  }

  /** Until it ends, however it ends, or has that status. */
  untilEnded(orderId: string, { status = '', timeoutMs = 40_000, everyMs = 150 } = {}): Promise<OrderView> {
    return until(
      `order ${orderId} to ${status === '' ? 'end' : `be ${status}`}`,
      async () => {
        const seen = await this.read(orderId)
        return (seen.status === status || isFinal(seen.status)) && seen
      },
      { timeoutMs, everyMs, explain: () => this.#told(orderId) },
    )
  }

  /** Until the order has that status; one that ends in another final status fails at once. */
  async untilStatus(orderId: string, status: OrderStatus, timeoutMs = 30_000): Promise<OrderView> {
    const order = await this.untilEnded(orderId, { status, timeoutMs })
    if (order.status !== status) assert.equal(order.status, status, await this.#told(orderId))
    return order
  }

  /** Until the story has a step of this code, about this kind of notification where it is one. */
  untilTold(orderId: string, code: StoryCode, about?: string): Promise<Story> {
    const wanted = (step: StoryStep) => step.code === code && (about === undefined || aboutOf(step) === about)
    return until(
      `the story of ${orderId} to have ${code} ${about ?? ''}`,
      async () => {
        const story = await this.story(orderId)
        return story.steps.some(wanted) && story
      },
      { explain: () => this.#told(orderId) },
    )
  }

  /** The notification stream, open. */
  openFeed(after = 0): Promise<Feed> {
    const feed = new Feed(this.gateway, this, after)
    this.feeds.push(feed)
    return feed.open()
  }

  #told(orderId: string): Promise<string> | string {
    return this.#explain?.(orderId) ?? ''
  }
}

/** The kind of notification that a step is about; empty for every other step. */
export const aboutOf = (step: StoryStep): string =>
  step.code === 'mail_sent' || step.code === 'frame_sent' ? step.data.about : ''
