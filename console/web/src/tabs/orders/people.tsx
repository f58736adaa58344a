/** The two users: what each orders, has ordered, and is told. */
import { useId, useState } from 'react'
import { type DemoUser, demoUsers, type NotificationFrame, type TrackedOrder } from '../../../../protocol.ts'
import { useLive } from '../../live/use-live.ts'
import { clock } from '../../shell/format.ts'
import { Icon } from '../../shell/icons.tsx'
import { Link } from '../../shell/place.tsx'
import { usePreferences, useWords } from '../../shell/preferences.ts'
import { lookOf } from './look.ts'
import { OrderForm } from './order-form.tsx'
import { orderWords } from './words.ts'

/** The two shops, one for each demo user. */
export function People({ orderId }: { orderId: string | undefined }) {
  const words = useWords(orderWords)
  /** On a narrow screen one of them is shown at a time. */
  const [shown, show] = useState<DemoUser>('ada')
  return (
    <section className="people" aria-label={words.people}>
      <fieldset className="switch people-switch">
        <legend className="unseen">{words.people}</legend>
        {demoUsers.map((user) => (
          <label key={user}>
            <input type="radio" name="person" checked={user === shown} onChange={() => show(user)} />
            <span>{words.names[user]}</span>
          </label>
        ))}
      </fieldset>
      {demoUsers.map((user) => (
        <Person key={user} user={user} shown={user === shown} orderId={orderId} />
      ))}
    </section>
  )
}

function Person({ user, shown, orderId }: { user: DemoUser; shown: boolean; orderId: string | undefined }) {
  const words = useWords(orderWords)
  const { state, feed } = useLive((all) => all.users[user])
  const title = useId()
  return (
    <article className={`card person person-${user}`} data-shown={shown || undefined} aria-labelledby={title}>
      <header>
        <span className="avatar" aria-hidden="true">
          {words.names[user].slice(0, 1)}
        </span>
        <h2 id={title}>{words.names[user]}</h2>
        <p className="hint feed">
          <span className={`dot ${feed ? 'good' : 'busy'}`} />
          {state === 'waiting' ? words.waitingForSystem : feed ? words.feed : words.noFeed}
        </p>
      </header>
      <OrderForm user={user} />
      <OrderChips user={user} orderId={orderId} />
      <Notifications user={user} />
    </article>
  )
}

const chipsMax = 8

function OrderChips({ user, orderId }: { user: DemoUser; orderId: string | undefined }) {
  const words = useWords(orderWords)
  const all = useLive((state) => state.orders)
  const orders = all.filter((order) => order.user === user).slice(0, chipsMax)
  return (
    <nav className="chips" aria-label={words.ordersOf(words.names[user])}>
      {orders.length === 0 && <p className="hint">{words.noOrders}</p>}
      {orders.map((order) => (
        <Chip key={order.order.id} order={order} current={order.order.id === orderId} />
      ))}
    </nav>
  )
}

function Chip({ order: { order }, current }: { order: TrackedOrder; current: boolean }) {
  const words = useWords(orderWords)
  const { language } = usePreferences()
  return (
    <Link className="chip" href={`/orders/${order.id}`} aria-current={current ? 'true' : undefined}>
      <span className={`dot ${lookOf(order.status)}`} />
      {words.statuses[order.status]}
      <time className="hint" dateTime={order.createdAt}>
        {clock(order.createdAt, language)}
      </time>
    </Link>
  )
}

const noticesMax = 3

function Notifications({ user }: { user: DemoUser }) {
  const words = useWords(orderWords)
  const { language } = usePreferences()
  const frames = useLive((state) => state.notifications[user])
  return (
    <div className="notices" role="log" aria-label={words.noticesOf(words.names[user])}>
      {frames.length === 0 && <p className="hint">{words.noNotifications}</p>}
      {frames.slice(0, noticesMax).map((frame: NotificationFrame) => (
        <p key={frame.cursor}>
          <Icon name="bell" />
          <span>{words.notices[frame.kind] ?? frame.title}</span>
          <time className="hint" dateTime={frame.at}>
            {clock(frame.at, language)}
          </time>
        </p>
      ))}
    </div>
  )
}
