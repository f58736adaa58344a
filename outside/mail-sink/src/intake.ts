/** How one message is taken in: the fault that was asked for, then the disk, then the answer. */
import { setTimeout as delay } from 'node:timers/promises'
import { DiskRefused, type Log } from '@svyaz/stage'
import { type FaultState, hit, noFault } from './faults.ts'
import type { MailFiles } from './mail-files.ts'
import { keep, type Mailbox, type MailboxLimits } from './mailbox.ts'
import type { Envelope, SmtpAnswer } from './smtp.ts'

export interface IntakeParts {
  readonly mailbox: Mailbox
  readonly files: MailFiles
  readonly limits: MailboxLimits
  readonly log: Log
  readonly now: () => Date
  /** A number in [0, 1). */
  readonly random: () => number
  /** Aborted when the process ends: a slow answer is not waited for. */
  readonly stopping: AbortSignal
}

export class Intake {
  fault: FaultState = noFault
  readonly counts = { received: 0, refused: 0, faults: 0 }
  readonly #parts: IntakeParts

  constructor(parts: IntakeParts) {
    this.#parts = parts
  }

  /** Resolves with what the sender is told; 250 only when the mail is on the disk. Never rejects. */
  async receive(envelope: Envelope, raw: Buffer): Promise<SmtpAnswer> {
    const { random, stopping } = this.#parts
    const drawn = hit(this.fault, random())
    this.fault = drawn.state
    if (!drawn.hit) return await this.#keep(envelope, raw)
    const { mode, responseCode = 451, delayMs = 3_000 } = this.fault
    this.counts.faults += 1
    if (mode === 'refuse') {
      this.counts.refused += 1
      return { responseCode, text: 'refused on request of the test control' }
    }
    if (mode === 'slow') await delay(delayMs, undefined, { signal: stopping }).catch(() => undefined)
    const answer = await this.#keep(envelope, raw)
    return mode === 'lost-reply' && answer !== 'cut' && answer.responseCode === 250 ? 'cut' : answer
  }

  async #keep(envelope: Envelope, raw: Buffer): Promise<SmtpAnswer> {
    const { mailbox, files, limits, log, now } = this.#parts
    try {
      const received = { receivedAt: now().toISOString(), envelope, raw: raw.toString('latin1') }
      let id = ''
      await files.append(received, (placed) => {
        id = keep(mailbox, placed, limits).id
      })
      this.counts.received += 1
      return { responseCode: 250, text: `OK, kept as ${id}` }
    } catch (error) {
      this.counts.refused += 1
      if (!(error instanceof DiskRefused)) log('error', 'a mail could not be kept', { error: String(error) })
      return { responseCode: 452, text: 'could not be written, try again' }
    }
  }
}
