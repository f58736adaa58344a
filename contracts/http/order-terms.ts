/**
 * The words of an order: its statuses and what each means, and how it may be paid and delivered. Values without a schema
 * library, so that the page can carry them.
 */

/**
 * `final`: nothing changes it any more. `open`: it may still be cancelled because its user was blocked. `paid`: money
 * was taken and not given back.
 */
export const orderStatusTable = {
  pending: { final: false, open: true, paid: false },
  processing: { final: false, open: true, paid: false },
  paid: { final: false, open: true, paid: true },
  shipped: { final: false, open: false, paid: true },
  completed: { final: true, open: false, paid: true },
  rejected: { final: true, open: false, paid: false },
  cancelling: { final: false, open: false, paid: false },
  cancelled: { final: true, open: false, paid: false },
} as const satisfies Record<string, { final: boolean; open: boolean; paid: boolean }>

export type OrderStatus = keyof typeof orderStatusTable
export const orderStatuses = Object.keys(orderStatusTable) as OrderStatus[]

/** The statuses with this trait, in the order of the table. */
export const statusesThat = (trait: 'final' | 'open' | 'paid'): readonly OrderStatus[] =>
  orderStatuses.filter((status) => orderStatusTable[status][trait])
/** Whether an order of this status will not change any more. */
export const isFinal = (status: OrderStatus): boolean => orderStatusTable[status].final

export const paymentModes = ['queue', 'now'] as const
export const paymentMethods = ['pm_ok', 'pm_declined', 'pm_slow', 'pm_timeout_but_charged'] as const
export const deliveryMethods = ['dm_ok', 'dm_fail'] as const
