/** All that the page knows, as one value; `take` is pure. Bounded: a page may stay open for days. */
import {
  type Activity,
  type Away,
  type DemoUser,
  demoUsers,
  keep,
  type LiveMessage,
  type NotificationFrame,
  type Outage,
  type Process,
  type Product,
  type RelayPicture,
  type TrackedOrder,
  type UserState,
} from '../../../protocol.ts'

export interface State {
  /** `lost`: was open, is being opened again. */
  readonly connection: 'opening' | 'open' | 'lost'
  /** The server's clock minus this machine's, in ms. */
  readonly clockAheadMs: number
  readonly supervised: boolean
  /** In the order of the topology. */
  readonly processes: readonly Process[]
  readonly outages: readonly Outage[]
  readonly aways: readonly Away[]
  readonly memory: Readonly<Record<string, number>>
  readonly users: Readonly<Record<DemoUser, { readonly state: UserState; readonly feed: boolean }>>
  readonly products: readonly Product[]
  /** Newest first. */
  readonly orders: readonly TrackedOrder[]
  /** Newest first. */
  readonly notifications: Readonly<Record<DemoUser, readonly NotificationFrame[]>>
  readonly relay: RelayPicture
  /** Newest first. */
  readonly activity: readonly Activity[]
}

const forEach = <T>(value: T): Record<DemoUser, T> =>
  Object.fromEntries(demoUsers.map((user) => [user, value])) as Record<DemoUser, T>

export const emptyState: State = {
  connection: 'opening',
  clockAheadMs: 0,
  supervised: false,
  processes: [],
  outages: [],
  aways: [],
  memory: {},
  users: forEach({ state: 'waiting', feed: false }),
  products: [],
  orders: [],
  notifications: forEach([]),
  relay: { state: 'unknown', points: [], sessions: [] },
  activity: [],
}

/** @param nowMs this machine's clock */
export function take(state: State, message: LiveMessage, nowMs: number): State {
  switch (message.type) {
    case 'snapshot': {
      const { type: _, now, orders, notifications, ...rest } = message
      return {
        ...rest,
        connection: 'open',
        clockAheadMs: Date.parse(now) - nowMs,
        orders: bounded(orders.map((order) => withTraceOf(state, order))),
        notifications: {
          ada: notifications.ada.toReversed().slice(0, keep.notificationsPerUser),
          boris: notifications.boris.toReversed().slice(0, keep.notificationsPerUser),
        },
      }
    }
    case 'supervised':
      return { ...state, supervised: message.supervised }
    case 'process':
      return { ...state, processes: withProcess(state.processes, message.process) }
    case 'process-removed':
      return { ...state, processes: state.processes.filter(({ name }) => name !== message.name) }
    case 'outage':
      return { ...state, outages: withOutage(state.outages, message.outage) }
    case 'away':
      return { ...state, aways: withAway(state.aways, message.away) }
    case 'relay':
      return { ...state, relay: message.relay }
    case 'activity':
      return { ...state, activity: [message.entry, ...state.activity].slice(0, keep.activity) }
    case 'memory':
      return { ...state, memory: message.memory }
    case 'user':
      return { ...state, users: { ...state.users, [message.user]: { state: message.state, feed: message.feed } } }
    case 'products':
      return { ...state, products: message.products }
    case 'order': {
      const { order } = message.order
      const others = state.orders.filter((known) => known.order.id !== order.id)
      return { ...state, orders: bounded([...others, withTraceOf(state, message.order)]) }
    }
    case 'notification': {
      const { user, notification } = message
      const known = state.notifications[user]
      if (known.some(({ cursor }) => cursor === notification.cursor)) return state
      const list = [notification, ...known].slice(0, keep.notificationsPerUser)
      return { ...state, notifications: { ...state.notifications, [user]: list } }
    }
  }
}

/** A trace once seen stays, when a later message about the order comes without it. */
function withTraceOf(state: State, order: TrackedOrder): TrackedOrder {
  if (order.trace !== undefined) return order
  const trace = state.orders.find((known) => known.order.id === order.order.id)?.trace
  return trace === undefined ? order : { ...order, trace }
}

/** Ids are UUIDs of version 7: they sort by time. */
function bounded(orders: readonly TrackedOrder[]): TrackedOrder[] {
  const newestFirst = orders.toSorted((a, b) => (a.order.id < b.order.id ? 1 : -1))
  const others = orders.filter(({ user }) => user === 'other').slice(-keep.otherOrders)
  return demoUsers
    .flatMap((user) => newestFirst.filter((order) => order.user === user).slice(0, keep.ordersPerUser))
    .concat(others)
    .sort((a, b) => (a.order.id < b.order.id ? 1 : -1))
}

/** Another instance of a service goes behind its last one. */
function withProcess(processes: readonly Process[], process: Process): Process[] {
  const index = processes.findIndex(({ name }) => name === process.name)
  if (index >= 0) return processes.with(index, process)
  const last = processes.findLastIndex(({ service }) => service === process.service)
  return last < 0 ? [...processes, process] : processes.toSpliced(last + 1, 0, process)
}

function withAway(aways: readonly Away[], away: Away): Away[] {
  const index = aways.findIndex(({ service, from }) => service === away.service && from === away.from)
  return index < 0 ? [...aways, away].slice(-keep.outages) : aways.with(index, away)
}

function withOutage(outages: readonly Outage[], outage: Outage): Outage[] {
  const index = outages.findIndex(({ instance, from }) => instance === outage.instance && from === outage.from)
  return index < 0 ? [...outages, outage].slice(-keep.outages) : outages.with(index, outage)
}
