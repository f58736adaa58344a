/** What each step of a story says to people, in both languages. The command line reads the English ones. */
import type { StoryCode, StoryEntry } from '@svyaz/contracts/http/order-story.ts'

type DataOf<Code extends StoryCode> = (StoryEntry & { code: Code })['data']

/** A sentence, and what is said of it where there is room. */
type Words = { readonly [Code in StoryCode]: (data: DataOf<Code>) => readonly [what: string, detail?: string] }

const en: Words = {
  order_accepted: ({ lines, payment }) => [
    'order accepted',
    `${lines === 1 ? '1 line' : `${lines} lines`}, payment ${payment === 'now' ? 'by a call' : 'by the queue'}`,
  ],
  items_changed: () => ['items changed'],
  stock_reserved: () => ['stock reserved'],
  stock_rejected: ({ missing }) => [
    'not enough stock',
    missing.map((line) => `${line.productId}: ${line.requested} wanted, ${line.available} left`).join('; '),
  ],
  stock_released: () => ['stock released'],
  stock_restocked: () => ['stock put back'],
  charge_queued: () => ['charge queued'],
  charge_called: () => ['payments asked to charge now'],
  charge_fell_back: ({ reason }) => ['payments is away: charge queued instead', reason],
  payment_charged: ({ worker, processorId }) => [
    'payment charged',
    `${worker === undefined ? '' : `by ${worker}, `}processor ${processorId}`,
  ],
  payment_declined: ({ reason }) => ['payment declined', reason],
  refund_queued: ({ reason }) => ['refund queued', reason],
  payment_voided: ({ worker }) => ['payment voided', `by ${worker}`],
  payment_refunded: ({ worker }) => ['payment refunded', `by ${worker}`],
  delivery_scheduled: ({ trackingNumber }) => ['delivery scheduled', trackingNumber],
  delivery_shipped: ({ trackingNumber }) => ['shipped', trackingNumber],
  delivery_delivered: ({ trackingNumber }) => ['delivered', trackingNumber],
  delivery_returned: ({ trackingNumber }) => ['parcel returned', trackingNumber],
  delivery_failed: ({ reason }) => ['delivery failed', reason],
  cancel_requested: ({ reason }) => ['cancellation requested', reason],
  order_cancelled: ({ reason }) => ['cancelled', reason],
  mail_sent: ({ about, messageId }) => [`mail sent: ${about}`, messageId],
  frame_sent: ({ about, cursor }) => [`WebSocket frame sent: ${about}`, `cursor ${cursor}`],
  answer_ignored: ({ answer }) => [`too late, ignored: ${answer}`],
}

const ru: Words = {
  order_accepted: ({ lines, payment }) => [
    'заказ принят',
    `позиций: ${lines}, оплата ${payment === 'now' ? 'вызовом' : 'через очередь'}`,
  ],
  items_changed: () => ['состав изменён'],
  stock_reserved: () => ['товар отложен'],
  stock_rejected: ({ missing }) => [
    'товара не хватило',
    missing.map((line) => `${line.productId}: нужно ${line.requested}, есть ${line.available}`).join('; '),
  ],
  stock_released: () => ['резерв снят'],
  stock_restocked: () => ['товар возвращён на склад'],
  charge_queued: () => ['списание поставлено в очередь'],
  charge_called: () => ['payments вызван, чтобы списать сразу'],
  charge_fell_back: ({ reason }) => ['payments недоступен: списание поставлено в очередь', reason],
  payment_charged: ({ worker, processorId }) => [
    'деньги списаны',
    `${worker === undefined ? '' : `исполнитель ${worker}, `}процессинг ${processorId}`,
  ],
  payment_declined: ({ reason }) => ['оплата отклонена', reason],
  refund_queued: ({ reason }) => ['возврат поставлен в очередь', reason],
  payment_voided: ({ worker }) => ['списание отменено', `исполнитель ${worker}`],
  payment_refunded: ({ worker }) => ['деньги возвращены', `исполнитель ${worker}`],
  delivery_scheduled: ({ trackingNumber }) => ['доставка назначена', trackingNumber],
  delivery_shipped: ({ trackingNumber }) => ['посылка отправлена', trackingNumber],
  delivery_delivered: ({ trackingNumber }) => ['посылка доставлена', trackingNumber],
  delivery_returned: ({ trackingNumber }) => ['посылка вернулась', trackingNumber],
  delivery_failed: ({ reason }) => ['доставка не удалась', reason],
  cancel_requested: ({ reason }) => ['запрошена отмена', reason],
  order_cancelled: ({ reason }) => ['заказ отменён', reason],
  mail_sent: ({ about, messageId }) => [`письмо отправлено: ${about}`, messageId],
  frame_sent: ({ about, cursor }) => [`кадр WebSocket отправлен: ${about}`, `курсор ${cursor}`],
  answer_ignored: ({ answer }) => [`пришло слишком поздно, не учтено: ${answer}`],
}

const storyWords = { en, ru }
export type StoryLanguage = keyof typeof storyWords

/** A step in words. A code that this version doesn't know (a newer server) is shown as it is. */
export function stepWords(language: StoryLanguage, { code, data }: StoryEntry): { what: string; detail: string } {
  const words = storyWords[language][code] as ((data: StoryEntry['data']) => readonly [string, string?]) | undefined
  const [what, detail = ''] = words?.(data) ?? [code]
  return { what, detail }
}

/** What a step of this kind says where nothing else is known of it. */
export const headline = (language: StoryLanguage, code: StoryCode): string =>
  stepWords(language, { code, data: { missing: [] } } as unknown as StoryEntry).what
