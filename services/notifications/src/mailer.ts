/**
 * Sends the mails that are due, some at a time, and writes what became of them in one transaction. Their addresses are
 * asked of users over gRPC (addresses.ts).
 */
import { notificationsEvents } from '@svyaz/contracts/events/notifications.ts'
import { UserServiceService } from '@svyaz/contracts/proto/generated/users.ts'
import type { NotificationFrame } from '@svyaz/contracts/socket/notifications.ts'
import { Failure, type PollLoop, pollLoop, type Round } from '@svyaz/kit'
import { createAddresses } from './addresses.ts'
import { limits } from './config.ts'
import { mailRetryMs, messageIdOf } from './domain.ts'
import { Smtp } from './smtp.ts'
import {
  lockKeys,
  type MailAttempt,
  type MailOutcome,
  type MailRow,
  type NotificationsContext,
  nextMailDueInMs,
  settleMails,
  takeMails,
} from './storage.ts'

/** Sends the mails that wait, over SMTP; a refused one is tried again later. */
export class Mailer {
  readonly worker: PollLoop
  readonly #context: NotificationsContext
  readonly #smtp: Smtp
  readonly #addressOf: (userId: string) => Promise<string>
  readonly #counted: ReturnType<NotificationsContext['metrics']['counter']>

  constructor(context: NotificationsContext) {
    this.#context = context
    this.#smtp = new Smtp(String(context.environment.SVYAZ_SMTP_URL))
    this.#addressOf = createAddresses((id) => this.#ask(id), limits.addresses, context.clock.monotonic)
    this.#counted = context.metrics.counter('svyaz_mails_total', 'Mails by what became of the attempt', ['outcome'])
    this.worker = pollLoop({
      name: 'mailer',
      everyMs: limits.mailsEveryMs,
      clock: context.clock,
      once: () => this.#round(),
    })
  }

  close(): void {
    this.#smtp.close()
  }

  async #round(): Promise<Round> {
    const { clock, tracer } = this.#context
    const takenAt = clock.monotonic()
    const mails = await takeMails(this.#context, limits.mailsAtOnce)
    if (mails.length === 0) {
      const dueInMs = (await nextMailDueInMs(this.#context)) ?? 0
      // What is due already, another instance is just taking.
      return { done: 0, dueInMs: dueInMs > 0 ? dueInMs : undefined }
    }
    const attempts = await Promise.all(
      mails.map((mail) =>
        tracer.span('mail due', { parent: mail.traceparent }, async ({ traceparent }) => ({
          mail,
          outcome: await this.#attempt(mail),
          traceparent,
        })),
      ),
    )
    await this.#settleWhileLeased(attempts, takenAt)
    const restMs = mails.length < limits.mailsAtOnce ? limits.mailsRestMs : 0
    return { done: mails.length, dueInMs: undefined, restMs }
  }

  async #attempt(mail: MailRow): Promise<MailOutcome> {
    const { log, random, settings, tracer } = this.#context
    try {
      const attributes = { 'mail.message_id': messageIdOf(mail.event_id) }
      await tracer.span('send mail', { kind: 'client', attributes }, () => this.#send(mail))
      return { status: 'sent' }
    } catch (error) {
      if (error instanceof Failure && error.code === 'not_found') {
        log.error({ userId: mail.user_id }, 'a mail has nobody to go to')
        return { status: 'undeliverable' }
      }
      const retryAfterMs = mailRetryMs(mail.attempts, settings.current(), random())
      const about = { eventId: mail.event_id, error: withoutAddresses(String(error)), retryAfterMs }
      log.warn(about, 'a mail could not be sent yet')
      return { retryAfterMs }
    }
  }

  async #send(mail: MailRow): Promise<void> {
    const to = await this.#addressOf(mail.user_id)
    await this.#smtp.send({
      from: this.#context.settings.current().mailFrom,
      // Nothing that the user typed: whoever registers a stranger's address would send them words of their own.
      to,
      subject: mail.subject,
      text: `Hello,\n\n${mail.body}`,
      messageId: messageIdOf(mail.event_id),
    })
    this.#context.crashPoint('notifications.after-mail')
  }

  async #ask(id: string): Promise<string> {
    const users = this.#context.grpc('users').client(UserServiceService)
    return (await users.getUser({ id }, { timeoutMs: limits.addressTimeoutMs, retry: true })).email
  }

  /** The mails are out: a database that is away is waited for while they are leased, or they would go out again. */
  async #settleWhileLeased(attempts: readonly MailAttempt[], takenAt: number): Promise<void> {
    const { clock } = this.#context
    for (;;) {
      try {
        return await this.#settle(attempts)
      } catch (error) {
        const leftMs = limits.mailLeaseMs - (clock.monotonic() - takenAt)
        if (!(error instanceof Failure) || leftMs < limits.settleAgainMs) throw error
        await clock.delay(limits.settleAgainMs)
      }
    }
  }

  async #settle(attempts: readonly MailAttempt[]): Promise<void> {
    const { clock, database, outbox } = this.#context
    const settled = await database.transaction(async (tx) => {
      const held = await settleMails(tx, attempts)
      const events = held.filter(wasSent).map((attempt) => mailSent(attempt, clock.iso()))
      await lockKeys(
        tx,
        events.map((event) => event.key),
      )
      await outbox.add(tx, ...events)
      return held
    })
    for (const { outcome } of settled) this.#counted.inc({ outcome: 'status' in outcome ? outcome.status : 'retry' })
  }
}

const wasSent = ({ outcome }: MailAttempt): boolean => 'status' in outcome && outcome.status === 'sent'

/** What is said of a mail that went out. */
const mailSent = ({ mail, traceparent }: MailAttempt, at: string) => ({
  topic: notificationsEvents,
  type: 'mail.sent' as const,
  key: mail.order_id ?? mail.user_id,
  traceparent,
  data: {
    userId: mail.user_id,
    ...(mail.order_id === null ? {} : { orderId: mail.order_id }),
    kind: mail.kind as NotificationFrame['kind'],
    messageId: messageIdOf(mail.event_id),
    at,
  },
})

/** A mail server's refusal names the mailbox; a log doesn't (SECURITY.md). */
const withoutAddresses = (text: string): string => text.replaceAll(/[^\s<>]+@[^\s<>]+/g, '…')
