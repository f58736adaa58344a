/** Somebody who means no harm: reads the catalogue ten times a second, signs in now and then, orders every few seconds. */
import { randomUUID } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { type Answer, type Ask, ask } from '@svyaz/observe/http.ts'
import type { Asked } from './verdict.ts'

const productsEveryMs = 100
const loginEveryMs = 15_000
const orderEveryMs = 3_000

export interface Ordinary {
  readonly base: string
  readonly from: string | undefined
  readonly email: string
  readonly password: string
  /** Signed in already. */
  readonly token: string
  /** Of which there is plenty. */
  readonly products: readonly string[]
}

export class OrdinaryUser {
  readonly asked: Asked[] = []
  /** Ids of accepted orders. */
  readonly orders: string[] = []
  readonly #about: Ordinary
  #token: string

  constructor(about: Ordinary) {
    this.#about = about
    this.#token = about.token
  }

  /** Until the signal; resolves when every answer is there. */
  async live(signal: AbortSignal): Promise<void> {
    await Promise.all([
      repeat(productsEveryMs, signal, (dueAt) => this.#ask('products', 'GET', '/products', dueAt)),
      repeat(loginEveryMs, signal, (dueAt) => this.#login(dueAt)),
      repeat(orderEveryMs, signal, (dueAt) => this.#order(dueAt)),
    ])
  }

  async #login(dueAt: number): Promise<void> {
    const { email, password } = this.#about
    const answer = await this.#ask('login', 'POST', '/auth/login', dueAt, { body: { email, password } })
    if (answer?.status === 200) this.#token = answer.body.accessToken
  }

  async #order(dueAt: number): Promise<void> {
    const { products } = this.#about
    const productId = products[this.orders.length % products.length]
    const body = { items: [{ productId, quantity: 1 }] }
    const answer = await this.#ask('order', 'POST', '/orders', dueAt, {
      token: this.#token,
      headers: { 'idempotency-key': randomUUID() },
      body,
    })
    if (answer?.status === 201) this.orders.push(answer.body.id)
  }

  async #ask(
    what: Asked['what'],
    method: string,
    path: string,
    dueAt: number,
    options: Ask = {},
  ): Promise<Answer | undefined> {
    const { base, from } = this.#about
    const answer = await ask(method, `${base}${path}`, { ...options, from }).catch(() => undefined)
    this.asked.push({
      what,
      status: answer?.status,
      retryAfter: answer?.headers['retry-after'] !== undefined,
      ms: performance.now() - dueAt,
    })
    return answer
  }
}

/** At a fixed pace, whatever becomes of what was begun before (an open loop). */
async function repeat(everyMs: number, signal: AbortSignal, once: (dueAt: number) => Promise<unknown>): Promise<void> {
  const underWay = new Set<Promise<unknown>>()
  for (let dueAt = performance.now(); !signal.aborted; dueAt += everyMs) {
    const one = once(dueAt).finally(() => underWay.delete(one))
    underWay.add(one)
    await delay(Math.max(0, dueAt + everyMs - performance.now()), undefined, { signal }).catch(() => undefined)
  }
  await Promise.all(underWay)
}
