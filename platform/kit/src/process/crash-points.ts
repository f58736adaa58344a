/**
 * The places between two steps where a checker may kill the process (reliability rule 17). Inert unless
 * SVYAZ_CRASH_POINTS names them, as `name` or `name:3` (the third time it is passed).
 */
export const crashPoints = {
  'outbox.after-commit': 'the state and its event are committed, nothing is published',
  'outbox.after-send': 'the broker has the event, the outbox does not know',
  'consumer.before-handler': 'the record is read, its handler has not run',
  'consumer.after-effect': 'the effect is committed, the offset is not',
  'payments.after-lease': 'the payment is leased, the processor not yet called',
  'payments.after-charge': 'the processor charged, the payment does not know',
  'payments.after-record': 'the result is recorded, the event not yet published',
  'orders.after-create': 'the order is stored, the caller has no answer',
  'orders.before-process-payment': 'the order is processing, ProcessPayment not yet called',
  'orders.after-process-payment': 'ProcessPayment answered, the order does not know',
  'inventory.after-reserve': 'stock is reserved, the answer not yet published',
  'delivery.after-ship': 'the parcel is shipped, the event not yet published',
  'notifications.after-mail': 'the mail is sent, the row does not know',
  'notifications.after-frame': 'the frame is stored, no socket has it',
} as const
