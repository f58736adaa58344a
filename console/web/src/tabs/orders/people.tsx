/** The two users: what each orders, has ordered, and is told. */
import { type FormEvent, type MouseEvent, useId, useState } from 'react'
import {
  type DemoUser,
  demoUsers,
  type NotificationFrame,
  type Product,
  type TrackedOrder,
} from '../../../../protocol.ts'
import { live } from '../../live/connection.ts'
import { useLive } from '../../live/use-live.ts'
import { clock, money } from '../../shell/format.ts'
import { Icon } from '../../shell/icons.tsx'
import { notify } from '../../shell/notice.tsx'
import { go, Link } from '../../shell/place.tsx'
import { usePreferences, useWords } from '../../shell/preferences.ts'
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

const firstProduct: Record<DemoUser, string> = { ada: 'P-1001', boris: 'P-1028' }

function OrderForm({ user }: { user: DemoUser }) {
  const words = useWords(orderWords)
  const { language } = usePreferences()
  const products = useLive((state) => state.products)
  const usable = useLive((state) => state.connection === 'open' && state.users[user].state === 'ready')
  const supervised = useLive((state) => state.supervised)
  const [productId, setProduct] = useState(firstProduct[user])
  const [quantity, setQuantity] = useState(1)
  const [payment, setPayment] = useState('queue')
  const [paymentMethod, setMethod] = useState('pm_ok')
  const [deliveryMethod, setDelivery] = useState('dm_ok')
  const [placing, setPlacing] = useState(false)
  const id = useId()
  const product = products.find((other) => other.id === productId)

  const place = async (killFirst: boolean) => {
    setPlacing(true)
    try {
      if (killFirst) await live.act('kill', 'payments')
      const items = [{ productId, quantity }]
      const order = await live.placeOrder(user, { items, payment, paymentMethod, deliveryMethod })
      go(`/orders/${order.id}`)
    } catch (error) {
      notify(words.refused(error))
    } finally {
      setPlacing(false)
    }
  }
  // Nothing is killed for an order that can't be placed.
  const killAndPlace = ({ currentTarget: { form } }: MouseEvent<HTMLButtonElement>) => {
    if (form?.reportValidity() === true) void place(true)
  }
  const submit = (event: FormEvent) => {
    event.preventDefault()
    void place(false)
  }
  return (
    <form className="order-form" onSubmit={submit}>
      <div className="field wide">
        <label htmlFor={`${id}-product`}>
          {words.product}
          {product && (
            <span className="hint stock">
              {money(product.price, language)} · {words.inStock(product.available)}
            </span>
          )}
        </label>
        <select
          id={`${id}-product`}
          name="product"
          required
          value={productId}
          onChange={(event) => setProduct(event.target.value)}
        >
          {[...Map.groupBy(products, (other: Product) => other.category)].map(([category, list]) => (
            <optgroup key={category} label={category}>
              {list.map((other) => (
                <option key={other.id} value={other.id}>
                  {other.name}
                </option>
              ))}
            </optgroup>
          ))}
        </select>
      </div>
      <div className="field number">
        <label htmlFor={`${id}-quantity`}>{words.quantity}</label>
        <input
          id={`${id}-quantity`}
          name="quantity"
          type="number"
          min={1}
          max={1000}
          required
          value={quantity || ''}
          onChange={(event) => setQuantity(event.target.valueAsNumber || 0)}
        />
      </div>
      <Choice name="payment" label={words.payment} names={words.modes} value={payment} onChange={setPayment} />
      <Choice name="card" label={words.card} names={words.cards} value={paymentMethod} onChange={setMethod} />
      <Choice name="parcel" label={words.parcel} names={words.parcels} value={deliveryMethod} onChange={setDelivery} />
      <div className="buttons">
        <button type="submit" className="main" disabled={!usable || placing}>
          {words.place}
        </button>
        <button
          type="button"
          className="danger"
          disabled={!usable || placing || !supervised}
          title={words.placeAndKillHint}
          onClick={killAndPlace}
        >
          {words.placeAndKill}
        </button>
      </div>
    </form>
  )
}

interface ChoiceProps {
  readonly name: string
  readonly label: string
  readonly names: Readonly<Record<string, string>>
  readonly value: string
  readonly onChange: (value: string) => void
}

function Choice({ name, label, names, value, onChange }: ChoiceProps) {
  const id = useId()
  return (
    <div className="field">
      <label htmlFor={id}>{label}</label>
      <select id={id} name={name} value={value} onChange={(event) => onChange(event.target.value)}>
        {Object.entries(names).map(([key, text]) => (
          <option key={key} value={key}>
            {text}
          </option>
        ))}
      </select>
    </div>
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

/** How a status looks: good, bad or busy. */
export const lookOf = (status: string): string =>
  status === 'completed' ? 'good' : status === 'rejected' || status === 'cancelled' ? 'bad' : 'busy'

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
