/** The form by which one of the two people orders. */
import { type FormEvent, type MouseEvent, useId, useState } from 'react'
import type { DemoUser, Product } from '../../../../protocol.ts'
import { live } from '../../live/connection.ts'
import { useLive } from '../../live/use-live.ts'
import { money } from '../../shell/format.ts'
import { notify } from '../../shell/notice.tsx'
import { go } from '../../shell/place.tsx'
import { usePreferences, useWords } from '../../shell/preferences.ts'
import { orderWords } from './words.ts'

const firstProduct: Record<DemoUser, string> = { ada: 'P-1001', boris: 'P-1028' }

/** What is filled in. */
interface Wanted {
  readonly productId: string
  readonly quantity: number
  readonly payment: string
  readonly paymentMethod: string
  readonly deliveryMethod: string
}

/** What one of the two people orders, how it is paid and sent; `Kill payments, then order` is beside the usual button. */
export function OrderForm({ user }: { user: DemoUser }) {
  const words = useWords(orderWords)
  const [wanted, setWanted] = useState<Wanted>({
    productId: firstProduct[user],
    quantity: 1,
    payment: 'queue',
    paymentMethod: 'pm_ok',
    deliveryMethod: 'dm_ok',
  })
  const [placing, place] = usePlacing(user, wanted)
  const set = (field: keyof Wanted) => (value: string | number) => setWanted((now) => ({ ...now, [field]: value }))
  const submit = (event: FormEvent) => {
    event.preventDefault()
    void place()
  }
  // Nothing is killed for an order that can't be placed.
  const killAndPlace = ({ currentTarget: { form } }: MouseEvent<HTMLButtonElement>) => {
    if (form?.reportValidity() === true) void place('kill payments first')
  }
  const { payment, paymentMethod, deliveryMethod } = wanted
  return (
    <form className="order-form" onSubmit={submit}>
      <ProductField productId={wanted.productId} onChange={set('productId')} />
      <QuantityField quantity={wanted.quantity} onChange={set('quantity')} />
      <Choice
        name="payment"
        label={words.payment}
        names={words.modesInShort}
        value={payment}
        onChange={set('payment')}
      />
      <Choice
        name="card"
        label={words.card}
        names={words.cards}
        value={paymentMethod}
        onChange={set('paymentMethod')}
      />
      <Choice
        name="parcel"
        label={words.parcel}
        names={words.parcels}
        value={deliveryMethod}
        onChange={set('deliveryMethod')}
      />
      <Buttons user={user} placing={placing} onKillAndPlace={killAndPlace} />
    </form>
  )
}

/** Whether an order is being placed, and how to place what is wanted: its story opens then. */
function usePlacing(user: DemoUser, { productId, quantity, ...how }: Wanted) {
  const words = useWords(orderWords)
  const [placing, setPlacing] = useState(false)
  const place = async (first?: 'kill payments first') => {
    setPlacing(true)
    try {
      if (first) await live.act('kill', 'payments')
      const order = await live.placeOrder(user, { items: [{ productId, quantity }], ...how })
      go(`/orders/${order.id}`)
    } catch (error) {
      notify(words.refused(error))
    } finally {
      setPlacing(false)
    }
  }
  return [placing, place] as const
}

function ProductField({ productId, onChange }: { productId: string; onChange: (productId: string) => void }) {
  const words = useWords(orderWords)
  const { language } = usePreferences()
  const products = useLive((state) => state.products)
  const id = useId()
  const product = products.find((other) => other.id === productId)
  return (
    <div className="field wide">
      <label htmlFor={id}>
        {words.product}
        {product && (
          <span className="hint stock">
            {money(product.price, language)} · {words.inStock(product.available)}
          </span>
        )}
      </label>
      <select id={id} name="product" required value={productId} onChange={(event) => onChange(event.target.value)}>
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
  )
}

function QuantityField({ quantity, onChange }: { quantity: number; onChange: (quantity: number) => void }) {
  const words = useWords(orderWords)
  const id = useId()
  return (
    <div className="field number">
      <label htmlFor={id}>{words.quantity}</label>
      <input
        id={id}
        name="quantity"
        type="number"
        min={1}
        max={1000}
        required
        value={quantity || ''}
        onChange={(event) => onChange(event.target.valueAsNumber || 0)}
      />
    </div>
  )
}

interface ButtonsProps {
  readonly user: DemoUser
  readonly placing: boolean
  readonly onKillAndPlace: (event: MouseEvent<HTMLButtonElement>) => void
}

function Buttons({ user, placing, onKillAndPlace }: ButtonsProps) {
  const words = useWords(orderWords)
  const usable = useLive((state) => state.connection === 'open' && state.users[user].state === 'ready')
  const supervised = useLive((state) => state.supervised)
  return (
    <div className="buttons">
      <button type="submit" className="main" disabled={!usable || placing}>
        {words.place}
      </button>
      <button
        type="button"
        className="danger"
        disabled={!usable || placing || !supervised}
        title={words.placeAndKillHint}
        onClick={onKillAndPlace}
      >
        {words.placeAndKill}
      </button>
    </div>
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
