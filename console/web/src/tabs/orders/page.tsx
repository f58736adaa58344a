/** Two people, the story of one order, and the processes that it runs through: everything in one place. */
import { useEffect } from 'react'
import { live } from '../../live/connection.ts'
import { useLive } from '../../live/use-live.ts'
import { People } from './people.tsx'
import { Processes } from './processes.tsx'
import { Story } from './story.tsx'
import './orders.css'

/** The path says which order is looked at; without one it is the newest. */
export default function OrdersPage({ rest }: { rest: string }) {
  const asked = rest === '' ? undefined : rest
  const newest = useLive((state) => state.orders.find(({ user }) => user !== 'other')?.order.id)
  const orderId = asked ?? newest
  useEffect(() => {
    if (orderId !== undefined) live.watch(orderId)
  }, [orderId])
  return (
    <div className="orders-page">
      <People orderId={orderId} />
      <Story orderId={orderId} />
      <Processes />
    </div>
  )
}
