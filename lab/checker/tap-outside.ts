/** What stands for the outside world: the payment processor's own ledger and faults, and the mail server. */
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

export interface ProcessorFault {
  readonly mode: 'ok' | 'error500' | 'hang' | 'unavailable'
  readonly probability?: number
  readonly when?: 'before' | 'after'
}

/** Switches a simulated fault of the payment provider on or off. */
export async function setProcessorFault(processor: string, fault: ProcessorFault): Promise<void> {
  const answer = await fetch(`${processor}/faults`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(fault),
  })
  if (!answer.ok) throw new Error(`the processor refused ${fault.mode}: ${answer.status} ${await answer.text()}`)
}

/** How many requests the present fault has hit. */
export async function processorHits(processor: string): Promise<number> {
  return ((await (await fetch(`${processor}/faults`)).json()) as { fired: number }).fired
}

/** Message-ID of every mail that arrived, a repeated one as often as it came. */
export async function readMails(sink: string): Promise<string[]> {
  const ids: string[] = []
  for (let before: string | undefined; ; ) {
    const answer = await fetch(`${sink}/mails?limit=100${before === undefined ? '' : `&before=${before}`}`)
    const { mails, next } = (await answer.json()) as { mails: { messageId: string }[]; next?: string }
    ids.push(...mails.map((mail) => mail.messageId))
    if (next === undefined) return ids
    before = next
  }
}
