/** When the story of an order is read again after a read: a pure decision, so that a finished order is left alone. */
import { isFinal, type OrderStatus } from '@svyaz/contracts/http/order-terms.ts'

export interface Looked {
  readonly status: OrderStatus
  /** Something was heard of the order while it was read. */
  readonly heardMeanwhile: boolean
  /** The late look at a final order was asked for already. */
  readonly settled: boolean
}

/**
 * `soon`: like after any news. `late`: one more look at a final order, which may gain a step yet, such as stock that was
 * put back, that no change of status announces. Undefined: not until something is heard.
 */
export function nextLook({ status, heardMeanwhile, settled }: Looked): 'soon' | 'late' | undefined {
  if (heardMeanwhile) return 'soon'
  return isFinal(status) && !settled ? 'late' : undefined
}
