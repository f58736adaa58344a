/**
 * The newest orders of both users, each with its story. A change is pushed to us (the gateway's `/follow` from orders,
 * and notification frames): then, and only then, the story is read again. Two roads, so that neither a dead orders
 * stream nor a dead notifications service leaves the page blind.
 */
import type { Log } from '@svyaz/stage'
import { type DemoUser, keep, type OrderView, type Owner, type Product, type TrackedOrder } from '../../protocol.ts'
import { type Asker, FollowedOrder } from './followed-order.ts'
import { limits } from './limits.ts'
import type { Person } from './person.ts'
import { ProductList } from './product-list.ts'
import { pause } from './requests.ts'

export interface TrackerOptions {
  readonly people: Readonly<Record<DemoUser, Person>>
  /** May read the orders of everybody; without it other people's orders are not shown. */
  readonly reader: Asker | undefined
  readonly gateway: string
  readonly telemetry: string | undefined
  readonly log: Log
  /** Whether somebody looks at the order: then its story and its trace are wanted, else its status is enough. */
  watched(orderId: string): boolean
  order(order: TrackedOrder): void
  products(products: readonly Product[]): void
}

/** Stories and traces of recent orders, read for as long as they change or somebody watches. */
export class Tracker {
  readonly #options: TrackerOptions
  readonly #orders = new Map<string, FollowedOrder>()
  readonly #products: ProductList
  readonly #closing = new AbortController()
  /** Ids of accounts whose orders were read. */
  #begun: ReadonlySet<string> = new Set()

  constructor(options: TrackerOptions) {
    this.#options = options
    this.#products = new ProductList(options.gateway, (products) => options.products(products))
  }

  orders(): TrackedOrder[] {
    return [...this.#orders.values()].map((order) => order.view())
  }

  products(): readonly Product[] {
    return this.#products.all
  }

  /** Looks again at an order that something was heard of; a new one is followed from now on. */
  heardOf(user: DemoUser, orderId: string): void {
    const known = this.#orders.get(orderId)
    if (known !== undefined) known.look()
    else void this.#findOwn(user, orderId)
  }

  placed(user: DemoUser, order: OrderView): void {
    const placed = this.#add(user, order, this.#options.people[user])
    placed.begin()
    placed.look()
    this.#products.soon()
  }

  /** Somebody looks at this order from now on. */
  watch(orderId: string): void {
    const known = this.#orders.get(orderId)
    if (known !== undefined) known.show()
    else void this.#findOther(orderId)
  }

  /** Reads the orders that are there, when the user can; once for each account, however often it is asked. */
  async begin(user: DemoUser): Promise<void> {
    const { id } = this.#options.people[user]
    if (id === undefined || this.#begun.has(id)) return
    this.#begun = new Set([...this.#begun].slice(-8)).add(id)
    try {
      await this.#readOrders(user, id)
      if (!(await this.#products.read())) throw new Error('the products could not be read')
    } catch (error) {
      this.#options.log('warn', 'the orders could not be read yet', { user, error: String(error) })
      this.#begun = new Set([...this.#begun].filter((other) => other !== id))
      await pause(limits.retryMsMax / 5, this.#closing.signal)
        .then(() => this.begin(user))
        .catch(() => undefined)
    }
  }

  close(): void {
    this.#closing.abort(new Error('the console ends'))
    this.#products.close()
    for (const orderId of [...this.#orders.keys()]) this.#forget(orderId)
  }

  async #readOrders(user: DemoUser, userId: string): Promise<void> {
    const person = this.#options.people[user]
    const { status, text } = await person.ask({ path: `/orders?userId=${userId}&limit=${keep.ordersPerUser}` })
    if (status !== 200) throw new Error(`GET /orders answered ${status}`)
    for (const order of (JSON.parse(text) as OrderView[]).reverse()) this.#add(user, order, person).begin()
  }

  /** Placed by another client of this user, or while we were away. */
  async #findOwn(user: DemoUser, orderId: string): Promise<void> {
    const order = await this.#read(this.#options.people[user], orderId)
    if (order !== undefined) this.placed(user, order)
  }

  /** Placed by anybody: read as the one who may read all. What is not there stays unknown. */
  async #findOther(orderId: string): Promise<void> {
    const { reader } = this.#options
    if (reader === undefined || reader.requestsLeft <= limits.requestsKeptBack) return
    const order = await this.#read(reader, orderId)
    if (order === undefined) return
    const found = this.#add('other', order, reader)
    found.begin()
    found.show()
  }

  /** Undefined when it isn't there, or nobody could say. */
  async #read(asker: Asker, orderId: string): Promise<OrderView | undefined> {
    const { signal } = this.#closing
    try {
      const { status, text } = await asker.ask({ path: `/orders/${encodeURIComponent(orderId)}`, signal })
      return status === 200 ? (JSON.parse(text) as OrderView) : undefined
    } catch (error) {
      if (!signal.aborted) this.#options.log('warn', 'an order could not be read', { orderId, error: String(error) })
      return undefined
    }
  }

  #add(user: Owner, order: OrderView, asker: Asker): FollowedOrder {
    const known = this.#orders.get(order.id)
    if (known !== undefined) return known
    const { telemetry, log } = this.#options
    const added = new FollowedOrder(order, {
      user,
      asker,
      telemetry,
      log,
      watched: (orderId) => this.#options.watched(orderId),
      changed: (view) => this.#options.order(view),
      stepped: () => this.#products.soon(),
      gone: (orderId) => this.#forget(orderId),
    })
    this.#orders.set(order.id, added)
    for (const orderId of surplusOf([...this.#orders.values()], user)) this.#forget(orderId)
    return added
  }

  #forget(orderId: string): void {
    this.#orders.get(orderId)?.forget()
    this.#orders.delete(orderId)
  }
}

/**
 * Ids of a user's orders that are too many. Of our people's the oldest, which an order's id says; of other people's
 * those that were asked for first.
 *
 * @param orders in the order in which they were asked for
 */
export function surplusOf(orders: readonly { readonly id: string; readonly user: Owner }[], user: Owner): string[] {
  const ids = orders.filter((order) => order.user === user).map(({ id }) => id)
  if (user === 'other') return ids.reverse().slice(keep.otherOrders)
  return ids.sort().reverse().slice(keep.ordersPerUser)
}
