/**
 * Sends the mails that are due, some at a time: an address is asked for once per round, and what became of a round is
 * written in one transaction. The address is asked of users over gRPC, so it is the one of now.
 */
import { notificationsEvents } from '@svyaz/contracts/events/notifications.ts'
import { type GetUserResponse, UserServiceService } from '@svyaz/contracts/proto/generated/users.ts'
import type { NotificationFrame } from '@svyaz/contracts/socket/notifications.ts'
import { Failure, type PollLoop, pollLoop } from '@svyaz/kit'
import type { Transporter } from 'nodemailer'
import { limits } from './config.ts'
import { messageIdOf } from './domain.ts'
import {
  lockKeys,
  type MailAttempt,
  type MailOutcome,
  type MailRow,
  type NotificationsContext,
  settleMails,
  takeMails,
} from './storage.ts'

export interface Mailer extends PollLoop {
  close(): void
}

type AddressOf = (userId: string) => Promise<GetUserResponse>

/** Sends the mails that wait, over SMTP; a refused one is tried again later. */
export const createMailer = (context: NotificationsContext): Mailer => {
  const counted = context.metrics.counter('svyaz_mails_total', 'Mails by what became of the attempt', ['outcome'])
  let transport: Transporter | undefined

  /** Loaded with the first mail: a service that sends none does not carry it. */
  const smtp = async (): Promise<Transporter> => {
    if (transport) return transport
    // CommonJS: in a bundle its exports are under `default` alone.
    const { createTransport } = (await import('nodemailer')).default
    transport ??= createTransport({
      url: String(context.environment.SVYAZ_SMTP_URL),
      pool: true,
      maxConnections: limits.smtpConnectionsMax,
      connectionTimeout: limits.smtpTimeoutMs,
      greetingTimeout: limits.smtpTimeoutMs,
      socketTimeout: limits.smtpTimeoutMs,
    } as Parameters<typeof createTransport>[0])
    return transport
  }

  const addresses = (): AddressOf => {
    const asked = new Map<string, Promise<GetUserResponse>>()
    return (userId) => {
      const known = asked.get(userId)
      if (known) return known
      const answer = context
        .grpc('users')
        .client(UserServiceService)
        .getUser({ id: userId }, { timeoutMs: limits.addressTimeoutMs, retry: true })
      asked.set(userId, answer)
      return answer
    }
  }

  const send = async (mail: MailRow, addressOf: AddressOf): Promise<void> => {
    const user = await addressOf(mail.user_id)
    await (await smtp()).sendMail({
      from: context.settings.current().mailFrom,
      // Nothing that the user typed: whoever registers a stranger's address would send them words of their own.
      to: user.email,
      subject: mail.subject,
      text: `Hello,\n\n${mail.body}`,
      messageId: messageIdOf(mail.event_id),
    })
    context.crashPoint('notifications.after-mail')
  }

  const attempt = async (mail: MailRow, addressOf: AddressOf): Promise<MailOutcome> => {
    try {
      const attributes = { 'mail.message_id': messageIdOf(mail.event_id) }
      await context.tracer.span('send mail', { kind: 'client', attributes }, () => send(mail, addressOf))
      return { status: 'sent' }
    } catch (error) {
      if (error instanceof Failure && error.code === 'not_found') {
        context.log.error({ userId: mail.user_id }, 'a mail has nobody to go to')
        return { status: 'undeliverable' }
      }
      const { mailRetryFirstMs, mailRetryMaxMs } = context.settings.current()
      const retryAfterMs =
        context.random() * Math.min(mailRetryFirstMs * 2 ** Math.min(mail.attempts - 1, 20), mailRetryMaxMs)
      context.log.warn(
        { eventId: mail.event_id, error: withoutAddresses(String(error)), retryAfterMs },
        'a mail could not be sent yet',
      )
      return { retryAfterMs }
    }
  }

  const settle = async (attempts: readonly MailAttempt[]): Promise<void> => {
    const settled = await context.database.transaction(async (tx) => {
      const held = await settleMails(tx, attempts)
      const sent = held.filter(({ outcome }) => 'status' in outcome && outcome.status === 'sent')
      const keyOf = (mail: MailRow): string => mail.order_id ?? mail.user_id
      await lockKeys(
        tx,
        sent.map(({ mail }) => keyOf(mail)),
      )
      await context.outbox.add(
        tx,
        ...sent.map(({ mail, traceparent }) => ({
          topic: notificationsEvents,
          type: 'mail.sent' as const,
          key: keyOf(mail),
          traceparent,
          data: {
            userId: mail.user_id,
            ...(mail.order_id === null ? {} : { orderId: mail.order_id }),
            kind: mail.kind as NotificationFrame['kind'],
            messageId: messageIdOf(mail.event_id),
            at: context.clock.iso(),
          },
        })),
      )
      return held
    })
    for (const { outcome } of settled) counted.inc({ outcome: 'status' in outcome ? outcome.status : 'retry' })
  }

  /** The mails are out: a database that is away is waited for while they are leased, or they would go out again. */
  const settleWhileLeased = async (attempts: readonly MailAttempt[], takenAt: number): Promise<void> => {
    for (;;) {
      try {
        return await settle(attempts)
      } catch (error) {
        const leftMs = limits.mailLeaseMs - (context.clock.monotonic() - takenAt)
        if (!(error instanceof Failure) || leftMs < limits.settleAgainMs) throw error
        await context.clock.delay(limits.settleAgainMs)
      }
    }
  }

  const loop = pollLoop({
    name: 'mailer',
    everyMs: limits.mailsEveryMs,
    clock: context.clock,
    async once() {
      const takenAt = context.clock.monotonic()
      const mails = await takeMails(context, limits.mailsAtOnce)
      if (mails.length === 0) return 0
      const addressOf = addresses()
      const attempts = await Promise.all(
        mails.map((mail) =>
          context.tracer.span('mail due', { parent: mail.traceparent }, async ({ traceparent }) => ({
            mail,
            outcome: await attempt(mail, addressOf),
            traceparent,
          })),
        ),
      )
      await settleWhileLeased(attempts, takenAt)
      return mails.length
    },
  })
  return { ...loop, close: () => transport?.close() }
}

/** A mail server's refusal names the mailbox; a log doesn't (SECURITY.md). */
const withoutAddresses = (text: string): string => text.replaceAll(/[^\s<>]+@[^\s<>]+/g, '…')
