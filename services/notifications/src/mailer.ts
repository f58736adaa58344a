/** Sends the mails that are due. The address is asked of users over gRPC, so it is the one of now. */
import { notificationsEvents } from '@svyaz/contracts/events/notifications.ts'
import { UserServiceService } from '@svyaz/contracts/proto/generated/users.ts'
import type { NotificationFrame } from '@svyaz/contracts/socket/notifications.ts'
import { Failure, type PollLoop, pollLoop } from '@svyaz/kit'
import type { Transporter } from 'nodemailer'
import { limits } from './config.ts'
import { messageIdOf } from './domain.ts'
import { type MailRow, type NotificationsContext, settleMail, takeMails } from './storage.ts'

export interface Mailer extends PollLoop {
  close(): void
}

export const createMailer = (context: NotificationsContext): Mailer => {
  const sent = context.metrics.counter('svyaz_mails_total', 'Mails by what became of the attempt', ['outcome'])
  let transport: Transporter | undefined

  /** Loaded with the first mail: a service that sends none does not carry it. */
  const smtp = async (): Promise<Transporter> => {
    if (transport) return transport
    // CommonJS: in a bundle its exports stand under `default` alone.
    const { createTransport } = (await import('nodemailer')).default
    transport ??= createTransport({
      url: String(context.environment.SVYAZ_SMTP_URL),
      pool: true,
      maxConnections: limits.mailsAtOnce,
      connectionTimeout: limits.smtpTimeoutMs,
      greetingTimeout: limits.smtpTimeoutMs,
      socketTimeout: limits.smtpTimeoutMs,
    } as Parameters<typeof createTransport>[0])
    return transport
  }

  const send = async (mail: MailRow): Promise<void> => {
    const user = await context
      .grpc('users')
      .client(UserServiceService)
      .getUser({ id: mail.user_id }, { timeoutMs: limits.addressTimeoutMs, retry: true })
    await (await smtp()).sendMail({
      from: context.settings.current().mailFrom,
      to: { name: user.name, address: user.email },
      subject: mail.subject,
      text: `Dear ${user.name},\n\n${mail.body}`,
      messageId: messageIdOf(mail.event_id),
    })
    context.crashPoint('notifications.after-mail')
  }

  const deliver = async (mail: MailRow): Promise<void> => {
    try {
      await context.tracer.span(
        'send mail',
        { kind: 'client', attributes: { 'mail.message_id': messageIdOf(mail.event_id) } },
        () => send(mail),
      )
    } catch (error) {
      if (error instanceof Failure && error.code === 'not_found') {
        context.log.error({ userId: mail.user_id }, 'a mail has nobody to go to')
        await context.database.transaction((tx) => settleMail(tx, mail, { status: 'undeliverable' }))
        sent.inc({ outcome: 'undeliverable' })
        return
      }
      const { mailRetryFirstMs, mailRetryMaxMs } = context.settings.current()
      const retryAfterMs =
        context.random() * Math.min(mailRetryFirstMs * 2 ** Math.min(mail.attempts, 20), mailRetryMaxMs)
      context.log.warn({ eventId: mail.event_id, error: String(error), retryAfterMs }, 'a mail could not be sent yet')
      await context.database.transaction((tx) => settleMail(tx, mail, { retryAfterMs }))
      sent.inc({ outcome: 'retry' })
      return
    }
    await context.database.transaction(async (tx) => {
      if (!(await settleMail(tx, mail, { status: 'sent' }))) return
      await context.outbox.add(tx, {
        topic: notificationsEvents,
        type: 'mail.sent',
        key: mail.order_id ?? mail.user_id,
        data: {
          userId: mail.user_id,
          ...(mail.order_id === null ? {} : { orderId: mail.order_id }),
          kind: mail.kind as NotificationFrame['kind'],
          messageId: messageIdOf(mail.event_id),
          at: context.clock.iso(),
        },
      })
    })
    sent.inc({ outcome: 'sent' })
  }

  const loop = pollLoop({
    name: 'mailer',
    everyMs: limits.mailsEveryMs,
    clock: context.clock,
    async once() {
      const mails = await takeMails(context, limits.mailsAtOnce)
      await Promise.all(
        mails.map((mail) => context.tracer.span('mail due', { parent: mail.traceparent }, () => deliver(mail))),
      )
      return mails.length
    },
  })
  return { ...loop, close: () => transport?.close() }
}
