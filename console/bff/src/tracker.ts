/**
 * The newest orders of both users, each with its story. A change is pushed to us (the gateway's `/follow` from orders,
 * and notification frames): then, and only then, the story is read again. Two roads, so that neither a dead orders
 * stream nor a dead notifications service leaves the page blind.
 */
import { isFinal } from '@svyaz/contracts/http/order-terms.ts'
import type { Log } from '@svyaz/stage'
import {
  type DemoUser,
  keep,
  type OrderView,
  type Owner,
  type Product,
  type Story,
  type Trace,
  type TrackedOrder,
} from '../../protocol.ts'
import { hopsOf, type Span } from './hops.ts'
import { limits } from './limits.ts'
import { nextLook } from './next-look.ts'
import type { Person } from './person.ts'
import { type Answer, type Asked, ask, keepAtIt, pause, Unreachable } from './requests.ts'

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

/** Somebody who asks the gateway: one of the two people, or the reader. */
export interface Asker {
  readonly requestsLeft: number
  ask(asked: Asked): Promise<Answer>
  follow(path: string, signal: AbortSignal): AsyncGenerator<unknown>
}

export interface Tracker {
  orders(): TrackedOrder[]
  products(): readonly Product[]
  /** Looks again at an order that something was heard of; a new one is followed from now on. */
  heardOf(user: DemoUser, orderId: string): void
  placed(user: DemoUser, order: OrderView): void
  /** Somebody looks at this order from now on. */
  watch(orderId: string): void
  /** Reads the orders that are there, when the user can. */
  begin(user: DemoUser): Promise<void>
  close(): void
}

interface Entry {
  user: Owner
  readonly asker: Asker
  order: OrderView
  story?: Story
  trace?: Trace
  /** Something was heard of it while nobody looked. */
  stale: boolean
  followed: boolean
  reading: boolean
  again: boolean
  /** The late look was taken. */
  settled: boolean
  timer: NodeJS.Timeout | undefined
  traceTimer: NodeJS.Timeout | undefined
  readonly stop: AbortController
}

/** Stories and traces of recent orders, read for as long as they change or somebody watches. */
export function createTracker(options: TrackerOptions): Tracker {
  const { people, log } = options
  const entries = new Map<string, Entry>()
  const closing = new AbortController()
  let products: readonly Product[] = []
  let productsDue: NodeJS.Timeout | undefined
  let begun = new Set<string>()

  const viewOf = ({ user, order, story, trace }: Entry): TrackedOrder => ({
    user,
    order,
    ...(story === undefined ? {} : { story }),
    ...(trace === undefined || !options.watched(order.id) ? {} : { trace }),
  })
  const say = (entry: Entry) => options.order(viewOf(entry))

  function add(user: Owner, order: OrderView, asker: Asker): Entry {
    const known = entries.get(order.id)
    if (known !== undefined) return known
    const entry: Entry = {
      user,
      asker,
      order,
      stale: true,
      followed: false,
      reading: false,
      again: false,
      settled: false,
      timer: undefined,
      traceTimer: undefined,
      stop: new AbortController(),
    }
    entries.set(order.id, entry)
    const own = [...entries.values()].filter((other) => other.user === user)
    // Our people's by their age; what was looked at once, by when that was.
    if (user === 'other') own.reverse()
    else own.sort((a, b) => (a.order.id < b.order.id ? 1 : -1))
    for (const old of own.slice(user === 'other' ? keep.otherOrders : keep.ordersPerUser)) forget(old)
    return entry
  }

  function forget(entry: Entry): void {
    entries.delete(entry.order.id)
    clearTimeout(entry.timer)
    clearTimeout(entry.traceTimer)
    entry.stop.abort(new Error('forgotten'))
  }

  /** Reads the story soon; sooner while the gateway's limit is far. */
  function look(entry: Entry, delayMs?: number): void {
    if (entry.stop.signal.aborted || closing.signal.aborted) return
    if (!options.watched(entry.order.id)) {
      entry.stale = true
      return
    }
    if (delayMs === undefined) entry.settled = false
    if (entry.reading) {
      entry.again = true
      return
    }
    const left = entry.asker.requestsLeft - limits.requestsKeptBack
    const own = left > 40 ? limits.storyDebounceMs : left > 0 ? limits.storyDebounceMs * 5 : limits.storyDebounceSlowMs
    clearTimeout(entry.timer)
    entry.timer = setTimeout(() => void read(entry), Math.max(own, delayMs ?? 0))
  }

  async function read(entry: Entry): Promise<void> {
    entry.reading = true
    entry.again = false
    let refused = false
    const { id } = entry.order
    try {
      const { status, text } = await entry.asker.ask({ path: `/orders/${id}/story`, signal: entry.stop.signal })
      if (status === 200) {
        const story = JSON.parse(text) as Story
        const changed = entry.story?.steps.length !== story.steps.length || entry.story.status !== story.status
        entry.story = story
        entry.stale = false
        entry.order = { ...entry.order, status: story.status }
        if (changed) {
          say(entry)
          lookAtTrace(entry)
          productsSoon()
        }
      } else if (status === 404) forget(entry)
      else refused = true
    } catch (error) {
      if (entry.stop.signal.aborted || closing.signal.aborted) return
      log('warn', 'a story could not be read', { orderId: id, error: String(error) })
      refused = true
    } finally {
      entry.reading = false
      // What is away comes back; the order still wants to be looked at.
      if (refused) look(entry, limits.storyDebounceSlowMs)
      else lookAgain(entry)
    }
  }

  function lookAgain(entry: Entry): void {
    const next = nextLook({ status: entry.order.status, heardMeanwhile: entry.again, settled: entry.settled })
    if (next === 'soon') look(entry)
    if (next !== 'late') return
    entry.settled = true
    look(entry, limits.storySettleMs)
  }

  function lookAtTrace(entry: Entry, round = 0): void {
    if (options.telemetry === undefined || !options.watched(entry.order.id)) return
    clearTimeout(entry.traceTimer)
    const waits = [limits.traceDebounceMs, ...limits.traceSettleMs]
    const wait = waits[round]
    if (wait === undefined) return
    entry.traceTimer = setTimeout(() => {
      void readTrace(entry).then((grew) => lookAtTrace(entry, grew ? Math.min(round + 1, 1) : round + 1))
    }, wait)
  }

  async function readTrace(entry: Entry): Promise<boolean> {
    const { telemetry } = options
    const { signal } = entry.stop
    const steps = entry.story?.steps ?? []
    const traceIds = [...new Set(steps.flatMap((step) => step.traceId ?? []))].slice(0, limits.tracesPerOrder)
    if (traceIds.length === 0 || telemetry === undefined) return false
    const read = await Promise.all(traceIds.map((traceId) => spansOf(telemetry, traceId, signal)))
    // What is joined to one of them may be another one of them.
    const spans = [...new Map(read.flat().map((span) => [`${span.traceId} ${span.spanId}`, span])).values()]
    if (spans.length <= (entry.trace?.spans ?? 0)) return false
    entry.trace = { traceIds, spans: spans.length, hops: hopsOf(spans) }
    say(entry)
    return true
  }

  /** Until the order is final: each change as orders streams it. */
  function follow(entry: Entry): void {
    if (entry.followed || isFinal(entry.order.status)) return
    entry.followed = true
    const signal = AbortSignal.any([entry.stop.signal, closing.signal])
    const done = new AbortController()
    void keepAtIt(
      async (succeeded) => {
        for await (const order of entry.asker.follow(
          `/orders/${entry.order.id}/follow`,
          AbortSignal.any([signal, done.signal]),
        )) {
          succeeded()
          entry.order = { ...entry.order, ...(order as OrderView) }
          // The story will say it, when somebody looks.
          if (!options.watched(entry.order.id)) say(entry)
          look(entry)
        }
        if (isFinal(entry.order.status)) done.abort()
      },
      AbortSignal.any([signal, done.signal]),
      (error) => {
        // Its database was emptied.
        if (error instanceof Unreachable && error.status === 404) return forget(entry)
        log('warn', 'an order can not be followed', { orderId: entry.order.id, error: String(error) })
      },
      limits.followRetryMsMax,
    )
  }

  /** Placed by anybody: read as the one who may read all. What is not there stays unknown. */
  async function findOther(orderId: string): Promise<void> {
    const { reader } = options
    if (reader === undefined || reader.requestsLeft <= limits.requestsKeptBack) return
    try {
      const path = `/orders/${encodeURIComponent(orderId)}`
      const { status, text } = await reader.ask({ path, signal: closing.signal })
      if (status !== 200) return
      const entry = add('other', JSON.parse(text) as OrderView, reader)
      say(entry)
      follow(entry)
      look(entry)
      lookAtTrace(entry)
    } catch (error) {
      if (!closing.signal.aborted) log('warn', 'an order could not be read', { orderId, error: String(error) })
    }
  }

  function productsSoon(): void {
    productsDue ??= setTimeout(() => {
      productsDue = undefined
      void readProducts()
    }, limits.productsEveryMs)
  }

  async function readProducts(): Promise<boolean> {
    try {
      const { status, text } = await ask({ url: options.gateway }, { path: '/products?limit=100' })
      if (status !== 200) return false
      const read = JSON.parse(text) as Product[]
      if (JSON.stringify(read) === JSON.stringify(products)) return true
      products = read
      options.products(products)
      return true
    } catch {
      return false
    }
  }

  return {
    orders: () => [...entries.values()].map(viewOf),
    products: () => products,
    heardOf(user, orderId) {
      const entry = entries.get(orderId)
      if (entry !== undefined) return look(entry)
      // Placed by another client of this user, or while we were away.
      void people[user]
        .ask({ path: `/orders/${orderId}` })
        .then(({ status, text }) => {
          if (status === 200) this.placed(user, JSON.parse(text) as OrderView)
        })
        .catch(() => undefined)
    },
    placed(user, order) {
      const entry = add(user, order, people[user])
      say(entry)
      follow(entry)
      look(entry)
      productsSoon()
    },
    watch(orderId) {
      const entry = entries.get(orderId)
      if (entry === undefined) return void findOther(orderId)
      if (entry.trace !== undefined) say(entry)
      if (entry.stale || entry.story === undefined) look(entry)
      lookAtTrace(entry)
    },
    async begin(user) {
      const person = people[user]
      if (person.id === undefined || begun.has(person.id)) return
      begun = new Set([...begun].slice(-8)).add(person.id)
      try {
        const { status, text } = await person.ask({ path: `/orders?userId=${person.id}&limit=${keep.ordersPerUser}` })
        if (status !== 200) throw new Error(`GET /orders answered ${status}`)
        for (const order of (JSON.parse(text) as OrderView[]).reverse()) {
          const entry = add(user, order, people[user])
          say(entry)
          follow(entry)
        }
        if (!(await readProducts())) throw new Error('the products could not be read')
      } catch (error) {
        log('warn', 'the orders could not be read yet', { user, error: String(error) })
        begun.delete(person.id)
        await pause(limits.retryMsMax / 5, closing.signal)
          .then(() => this.begin(user))
          .catch(() => undefined)
      }
    },
    close() {
      closing.abort(new Error('the console ends'))
      clearTimeout(productsDue)
      for (const entry of [...entries.values()]) forget(entry)
    },
  }
}

/** A trace with all that is joined to it; none when telemetry is away or has none: then orders alone says what happened. */
async function spansOf(telemetry: string, traceId: string, signal: AbortSignal): Promise<Span[]> {
  try {
    const { status, text } = await ask({ url: telemetry }, { path: `/api/traces/${traceId}/joined`, signal })
    return status === 200 ? (JSON.parse(text) as { spans: Span[] }).spans : []
  } catch {
    return []
  }
}
