import type { StoryStep } from '@svyaz/contracts/http/order-story.ts'
import type { OrderDocument } from '../storage.ts'

/** The tables of orders. */
export interface OrdersSchema {
  orders: {
    id: string
    user_id: string
    idempotency_key: string
    body_hash: string
    status: string
    revision: string | number
    pending_since: Date | string | null
    document: OrderDocument | string
  }
  user_standing: { user_id: string; version: number; blocked: boolean }
  order_told: { order_id: string; event_id: string; at: Date | string; step: StoryStep | string }
}
