/** The client of the payment processor outside. An answer is definite or it is thrown as unclear, and asked again. */
import { type Context, KeptHttp, transient } from '@svyaz/kit'
import { limits, type Settings } from './config.ts'
import type { Result } from './domain.ts'
import type { Lease, PaymentsSchema } from './storage.ts'

export interface Processor {
  ask(lease: Lease): Promise<Result>
  close(): void
}

interface Answer {
  status: number
  body: { id?: string; status?: string; declineCode?: string; code?: string }
}

/** Every call is keyed by the order, so the processor does it once however often it is asked (reliability rule 5). */
export const processorClient = (context: Context<Settings, PaymentsSchema>): Processor => {
  const base = String(context.environment.SVYAZ_PROCESSOR_URL)
  const http = new KeptHttp(base, {
    connectionsMax: limits.inFlightMax,
    answerCharsMax: limits.processorAnswerCharsMax,
    idleMs: limits.processorIdleMs,
  })
  const call = (path: string, key: string | undefined, body: object): Promise<Answer> =>
    context.tracer.span(`POST ${path}`, { kind: 'client', attributes: { 'server.address': base } }, async (span) => {
      const asked = {
        method: 'POST',
        path,
        headers: {
          'content-type': 'application/json',
          traceparent: span.traceparent,
          ...(key === undefined ? {} : { 'idempotency-key': key }),
        },
        body: JSON.stringify(body),
        timeoutMs: context.settings.current().processorTimeoutMs,
      } as const
      const { status, body: text } = await http.send(asked).catch((error: Error) => {
        throw transient('the payment processor gave no answer', error)
      })
      span.set('http.response.status_code', status)
      if (status >= 500 || status === 429) throw transient(`the payment processor answered ${status}`)
      return { status, body: bodyOf(text) }
    })

  const ask = async ({ payment, call: due }: Lease): Promise<Result> => {
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
  return { ask, close: () => http.close() }
}

/** What isn't JSON says nothing: the status decides. */
const bodyOf = (text: string): Answer['body'] => {
  try {
    return (JSON.parse(text) ?? {}) as Answer['body']
  } catch {
    return {}
  }
}
