/** The client of the payment processor outside. An answer is definite or it is thrown as unclear, and asked again. */
import { type Context, transient } from '@svyaz/kit'
import type { Settings } from './config.ts'
import type { Result } from './domain.ts'
import type { Lease, PaymentsSchema } from './storage.ts'

export type Processor = (lease: Lease) => Promise<Result>

interface Answer {
  status: number
  body: { id?: string; status?: string; declineCode?: string; code?: string }
}

/** Every call is keyed by the order, so the processor does it once however often it is asked (reliability rule 5). */
export const processorClient = (context: Context<Settings, PaymentsSchema>): Processor => {
  const base = String(context.environment.SVYAZ_PROCESSOR_URL)
  const call = (path: string, key: string | undefined, body: object): Promise<Answer> =>
    context.tracer.span(`POST ${path}`, { kind: 'client', attributes: { 'server.address': base } }, async (span) => {
      const response = await fetch(new URL(path, base), {
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          traceparent: span.traceparent,
          ...(key === undefined ? {} : { 'idempotency-key': key }),
        },
        body: JSON.stringify(body),
        signal: AbortSignal.timeout(context.settings.current().processorTimeoutMs),
      }).catch((error: Error) => {
        throw transient('the payment processor gave no answer', error)
      })
      span.set('http.response.status_code', response.status)
      const answer = (await response.json().catch(() => ({}))) as Answer['body']
      if (response.status >= 500 || response.status === 429) {
        throw transient(`the payment processor answered ${response.status}`)
      }
      return { status: response.status, body: answer }
    })

  return async ({ payment, call: due }) => {
    const chargeKey = `charge:${payment.orderId}`
    if (due === 'charge') {
      const { status, body } = await call('/charges', chargeKey, {
        amountMinor: payment.amountMinor,
        currency: 'EUR',
        method: payment.method,
        reference: payment.orderId,
      })
      if (body.status === 'succeeded') return { type: 'charged', processorId: body.id ?? '' }
      if (body.status === 'declined') return { type: 'declined', reason: body.declineCode ?? 'declined' }
      if (status === 409) return { type: 'voided' }
      throw transient(`the payment processor refused the charge with ${status} ${body.code ?? ''}`)
    }
    if (due === 'void') {
      const { status } = await call('/voids', undefined, { key: chargeKey })
      if (status < 300) return { type: 'voided' }
      throw transient(`the payment processor refused the void with ${status}`)
    }
    const { status, body } = await call('/refunds', `refund:${payment.orderId}`, {
      chargeKey,
      amountMinor: payment.amountMinor,
    })
    if (status < 300) return { type: 'refunded' }
    throw transient(`the payment processor refused the refund with ${status} ${body.code ?? ''}`)
  }
}
