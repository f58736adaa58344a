/**
 * What a gRPC request must hold beyond its types. Protobuf has no field that is required: one that was left out comes
 * as "" or 0, and an id that is "" names nothing. Checked by the server before a method sees it, on every message of a
 * stream; INVALID_ARGUMENT names each field. A method of a service without a row here doesn't pass its test.
 */
import { z } from 'zod'
import { id, opaqueId, opaqueProductId, text } from '../primitives.ts'

// What is looked up may have any form: one that isn't known is an answer of its own. What is stored is an id of ours.
const line = z.looseObject({ productId: opaqueProductId })

export const orderRequests = {
  getOrder: z.looseObject({ id: opaqueId }),
  getUserDetails: z.looseObject({ userId: opaqueId }),
  followOrder: z.looseObject({ id: opaqueId }),
}

export const inventoryRequests = {
  checkAvailability: z.looseObject({ lines: z.array(line) }),
  // A batch is an administrator's id and an Idempotency-Key.
  bulkRestock: z.looseObject({ batchId: text(300).min(1), productId: opaqueProductId }),
}

export const paymentRequests = { processPayment: z.looseObject({ orderId: id, userId: id }) }

export const deliveryRequests = {
  trackDeliveries: z.looseObject({ addOrderIds: z.array(opaqueId), dropOrderIds: z.array(opaqueId) }),
}

export const userRequests = { getUser: z.looseObject({ id: opaqueId }) }
