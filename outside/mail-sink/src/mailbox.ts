/** What the sink keeps: a bounded fold of the mails received, newest kept. No I/O. */
import { type Attachment, parseMessage } from './message.ts'

/** What is on the disk. `raw` is the message byte by byte (Latin-1: one character, one byte). */
export type Received = {
  readonly v: 1
  readonly sequence: number
  readonly receivedAt: string
  readonly envelope: { readonly from: string; readonly to: readonly string[] }
  readonly raw: string
}

export type Mail = {
  readonly id: string
  readonly messageId: string
  /** Envelope addresses: who really sent it and got it. The header lines are in `headers`. */
  readonly from: string
  readonly to: readonly string[]
  readonly subject: string
  readonly text: string
  readonly html?: string
  readonly attachments: readonly Attachment[]
  readonly receivedAt: string
  readonly headers: Readonly<Record<string, string>>
  readonly bytes: number
  /** The id of the first mail with this Message-ID; set on each later one. */
  readonly duplicateOf?: string
}

export type MailboxLimits = { readonly mailsMax: number; readonly bytesMax: number }

/** Changed only by `keep`. */
export type Mailbox = {
  sequence: number
  bytes: number
  duplicates: number
  dropped: number
  /** By id, oldest first. */
  readonly mails: Map<string, Mail>
  /** Message-ID → id of the first mail kept with it. */
  readonly firsts: Map<string, string>
}

/** A mailbox that has received nothing. */
export const emptyMailbox = (): Mailbox => ({
  sequence: 0,
  bytes: 0,
  duplicates: 0,
  dropped: 0,
  mails: new Map(),
  firsts: new Map(),
})

/** Takes one mail in and drops the oldest above the limits. @throws when the version isn't known */
export function keep(mailbox: Mailbox, received: Received, limits: MailboxLimits): Mail {
  if (received.v !== 1) throw new Error(`mail entry version ${String(received.v)} is newer than this program`)
  const message = parseMessage(Buffer.from(received.raw, 'latin1'))
  const id = String(received.sequence)
  const messageId = message.headers['message-id'] ?? ''
  const first = messageId === '' ? undefined : mailbox.firsts.get(messageId)
  const mail: Mail = {
    id,
    messageId,
    from: received.envelope.from,
    to: received.envelope.to,
    subject: message.headers.subject ?? '',
    text: message.text,
    ...(message.html === undefined ? {} : { html: message.html }),
    attachments: message.attachments,
    receivedAt: received.receivedAt,
    headers: message.headers,
    bytes: received.raw.length,
    ...(first === undefined ? {} : { duplicateOf: first }),
  }
  mailbox.sequence = received.sequence
  mailbox.mails.set(id, mail)
  mailbox.bytes += mail.bytes
  if (first !== undefined) mailbox.duplicates += 1
  else if (messageId !== '') mailbox.firsts.set(messageId, id)
  while (mailbox.mails.size > limits.mailsMax || (mailbox.bytes > limits.bytesMax && mailbox.mails.size > 1))
    dropOldest(mailbox)
  return mail
}

function dropOldest(mailbox: Mailbox): void {
  const [oldest] = mailbox.mails.values()
  if (oldest === undefined) return
  mailbox.mails.delete(oldest.id)
  mailbox.bytes -= oldest.bytes
  mailbox.dropped += 1
  if (mailbox.firsts.get(oldest.messageId) === oldest.id) mailbox.firsts.delete(oldest.messageId)
}

export type MailQuery = {
  /** A whole address, without regard to case. */
  readonly to?: string
  /** A part of the subject, without regard to case. */
  readonly subject?: string
  readonly messageId?: string
  /** A part of a recipient's address, of the subject or of the text, without regard to case. */
  readonly contains?: string
  /** Only mails received before this id: the next page. */
  readonly before?: number
  readonly limit: number
}

/** What a list needs of a mail: without its texts and headers. */
export const briefly = ({ text: _, html, headers: __, ...mail }: Mail) => ({ ...mail, hasHtml: html !== undefined })

/** Newest first. `next` is the `before` of the next page. */
export function find(mailbox: Mailbox, query: MailQuery): { mails: Mail[]; total: number; next?: string } {
  const to = query.to?.toLowerCase()
  const subject = query.subject?.toLowerCase()
  const contains = query.contains?.toLowerCase()
  const matching = [...mailbox.mails.values()].filter(
    (mail) =>
      (to === undefined || mail.to.some((address) => address.toLowerCase() === to)) &&
      (subject === undefined || mail.subject.toLowerCase().includes(subject)) &&
      (query.messageId === undefined || mail.messageId === query.messageId) &&
      (contains === undefined ||
        [...mail.to, mail.subject, mail.text].some((part) => part.toLowerCase().includes(contains))),
  )
  const older = matching.filter((mail) => query.before === undefined || Number(mail.id) < query.before).reverse()
  const mails = older.slice(0, query.limit)
  const last = mails.at(-1)
  return {
    mails,
    total: matching.length,
    ...(last !== undefined && older.length > mails.length ? { next: last.id } : {}),
  }
}
