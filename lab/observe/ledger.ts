/** What the outside world has: the ledger of the payment provider, its faults, and the mails of the mail server. */
import { setTimeout as delay } from 'node:timers/promises'
import type { LedgerFact } from './snapshot.ts'

/** Every entry of the processor's synced ledger. */
export async function readLedger(processor: string): Promise<LedgerFact[]> {
  const text = await (await fetch(`${processor}/ledger`)).text()
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line): LedgerFact => {
      const entry = JSON.parse(line)
      if (entry.type === 'charge') {
        const { key, status, amountMinor } = entry.charge
        return { type: 'charge', key, succeeded: status === 'succeeded', amountMinor }
      }
      if (entry.type === 'refund')
        return { type: 'refund', key: entry.refund.chargeKey, amountMinor: entry.refund.amountMinor }
      return { type: 'void', key: entry.void.key, amountMinor: entry.void.returnedMinor }
    })
}

/** What the provider did about an order: minor units, charged positive, returned negative. */
export const entriesOf = (ledger: readonly LedgerFact[], orderId: string): number[] =>
  ledger
    .filter(({ key }) => key === `charge:${orderId}`)
    .flatMap((fact) => {
      if (fact.type === 'charge') return fact.succeeded ? [fact.amountMinor] : []
      return fact.amountMinor > 0 ? [-fact.amountMinor] : []
    })

export interface ProcessorFault {
  readonly mode: 'ok' | 'error500' | 'hang' | 'unavailable'
  readonly probability?: number
  readonly when?: 'before' | 'after'
}

/** Of the mail server: it answers late, asks to try again, or keeps the mail and hangs up. */
export interface MailFault {
  readonly mode: 'ok' | 'slow' | 'refuse' | 'lost-reply'
  readonly probability?: number
  readonly delayMs?: number
}

/** A far end that is paused must not hold up whoever mends it. */
const answerWithinMs = 5_000

/** Switches a simulated fault of the payment provider or the mail server (its address) on or off. @throws when it refuses */
export async function setFault(place: string, fault: ProcessorFault | MailFault): Promise<void> {
  const answer = await fetch(`${place}/faults`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(fault),
    signal: AbortSignal.timeout(answerWithinMs),
  })
  if (!answer.ok) throw new Error(`${fault.mode} was refused: ${answer.status} ${await answer.text()}`)
}

/** How many requests the present fault has hit. */
export async function faultHits(place: string): Promise<number> {
  return (
    (await (await fetch(`${place}/faults`, { signal: AbortSignal.timeout(answerWithinMs) })).json()) as {
      fired: number
    }
  ).fired
}

export interface Mail {
  readonly messageId: string
  readonly to: readonly string[]
  readonly subject: string
  readonly duplicateOf?: string
}

/** Every mail that arrived, a repeated one as often as it came; those to one address alone where it is given. */
export async function readMails(sink: string, to?: string): Promise<Mail[]> {
  const found: Mail[] = []
  for (let before: string | undefined; ; ) {
    const query = new URLSearchParams({ limit: '100', ...(to && { to }), ...(before && { before }) })
    const answer = await fetch(`${sink}/mails?${query}`)
    const { mails, next } = (await answer.json()) as { mails: Mail[]; next?: string }
    found.push(...mails)
    if (next === undefined) return found
    before = next
  }
}

/**
 * Reads the mails now and then during a run, for the server keeps the newest alone: what a long run sent first is gone
 * from it at the end.
 */
export class MailTap implements AsyncDisposable {
  readonly #sink: string
  /** By the server's id of each mail: its Message-ID. */
  readonly #mails = new Map<string, string>()
  readonly #stopping = new AbortController()
  readonly #reading: Promise<void>

  constructor(sink: string) {
    this.#sink = sink
    this.#reading = this.#keepReading()
  }

  /** Message-ID of every mail that arrived until now, a repeated one as often as it came. */
  async read(): Promise<string[]> {
    const fresh = new Map<string, string>()
    for (let before: string | undefined; ; ) {
      const answer = await fetch(`${this.#sink}/mails?limit=100${before === undefined ? '' : `&before=${before}`}`)
      const { mails, next } = (await answer.json()) as { mails: { id: string; messageId: string }[]; next?: string }
      for (const { id, messageId } of mails) fresh.set(id, messageId)
      if (next === undefined || mails.some(({ id }) => this.#mails.has(id))) break
      before = next
    }
    // Only a reading that met what is known leaves no gap behind it.
    for (const [id, messageId] of fresh) this.#mails.set(id, messageId)
    return [...this.#mails.values()]
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopping.abort()
    await this.#reading
  }

  async #keepReading(): Promise<void> {
    while (!this.#stopping.signal.aborted) {
      await this.read().catch(() => undefined)
      await delay(mailsEveryMs, undefined, { signal: this.#stopping.signal }).catch(() => undefined)
    }
  }
}

/** The server keeps about 18,000 mails: half an hour of a load that sends ten a second. */
const mailsEveryMs = 30_000
