/**
 * What a gRPC request must hold beyond its types. Protobuf has no field that is required: one that was left out comes
 * as "" or 0, and an id that is "" names nothing. Checked by the server before a method sees it, on every message of a
 * stream; INVALID_ARGUMENT names each field. A method of a service without a row here doesn't pass its test.
 */
import { z } from 'zod'
import { id, text } from '../primitives.ts'

/** A product number is looked up as it is: that one is unknown is an answer of its own. */
const productNumber = text(100).min(1)
const line = z.looseObject({ productId: productNumber })

export const orderRequests = {
  getOrder: z.looseObject({ id }),
  getUserDetails: z.looseObject({ userId: id }),
  followOrder: z.looseObject({ id }),
}

export const inventoryRequests = {
  checkAvailability: z.looseObject({ lines: z.array(line) }),
  // A batch is an administrator's id and an Idempotency-Key.
  bulkRestock: z.looseObject({ batchId: text(300).min(1), productId: productNumber }),
}

export const paymentRequests = { processPayment: z.looseObject({ orderId: id, userId: id }) }

export const deliveryRequests = {
  trackDeliveries: z.looseObject({ addOrderIds: z.array(id), dropOrderIds: z.array(id) }),
}

export const userRequests = { getUser: z.looseObject({ id }) }
