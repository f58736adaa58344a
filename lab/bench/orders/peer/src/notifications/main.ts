/** Notifications: what users are told, as frames on their WebSockets and as mails. */
import type { IncomingMessage } from 'node:http'
import { HttpService } from '@nestjs/axios'
import { Controller, Injectable, Logger, Module } from '@nestjs/common'
import { JwtService } from '@nestjs/jwt'
import { EventPattern, Payload } from '@nestjs/microservices'
import { InjectRepository } from '@nestjs/typeorm'
import { type OnGatewayConnection, type OnGatewayDisconnect, WebSocketGateway } from '@nestjs/websockets'
import { createTransport } from 'nodemailer'
import { firstValueFrom } from 'rxjs'
import { Column, CreateDateColumn, Entity, PrimaryGeneratedColumn, Repository } from 'typeorm'
import { WebSocket } from 'ws'
import { config, smtpConnectionsMax } from '../config.ts'
import { type DeliveryEvent, type OrderEvent, type PaymentEvent, topics } from '../events.ts'
import { consumer, database, httpClient, start, tokens } from '../platform.ts'

@Entity('notifications')
class Notification {
  @PrimaryGeneratedColumn()
  id!: number

  @Column('uuid')
  userId!: string

  @Column('uuid')
  orderId!: string

  @Column()
  kind!: string

  @Column()
  title!: string

  @CreateDateColumn()
  createdAt!: Date
}

const titles: Record<string, string> = {
  'order.created': 'Order received',
  'order.processing': 'Stock reserved, payment under way',
  'order.paid': 'Order paid',
  'order.shipped': 'Order shipped',
  'order.completed': 'Order delivered',
  'order.rejected': 'Order rejected',
  'payment.completed': 'Payment received',
  'delivery.scheduled': 'Delivery scheduled',
}
/** Which of them also go by mail. */
const mailed = new Set(['order.completed', 'order.rejected', 'payment.completed'])

@WebSocketGateway({ path: '/notifications/stream' })
class StreamGateway implements OnGatewayConnection, OnGatewayDisconnect {
  private readonly sockets = new Map<string, Set<WebSocket>>()
  private readonly owners = new WeakMap<WebSocket, string>()

  constructor(private readonly jwt: JwtService) {}

  async handleConnection(socket: WebSocket, request: IncomingMessage) {
    const token = new URL(request.url ?? '/', 'ws://localhost').searchParams.get('token')
    try {
      const { sub } = await this.jwt.verifyAsync<{ sub: string }>(token ?? '')
      this.owners.set(socket, sub)
      const own = this.sockets.get(sub) ?? new Set()
      this.sockets.set(sub, own.add(socket))
      socket.send(JSON.stringify({ type: 'hello', userId: sub }))
    } catch {
      socket.close(4401)
    }
  }

  handleDisconnect(socket: WebSocket) {
    this.sockets.get(this.owners.get(socket) ?? '')?.delete(socket)
  }

  send(userId: string, frame: object): void {
    const text = JSON.stringify({ type: 'notification', data: frame })
    for (const socket of this.sockets.get(userId) ?? []) if (socket.readyState === WebSocket.OPEN) socket.send(text)
  }
}

@Injectable()
class Mails {
  private readonly log = new Logger('Mails')
  private readonly transport = createTransport({
    url: config.smtpUrl(),
    pool: true,
    maxConnections: smtpConnectionsMax,
    maxMessages: Number.POSITIVE_INFINITY,
  })
  /** Users change their address once in years: who needs a mail is asked for once. */
  private readonly addresses = new Map<string, string>()

  constructor(private readonly http: HttpService) {}

  /** In the background: an event is not held up by the mail server, and a mail that fails is a line of the log. */
  send(userId: string, subject: string, text: string): void {
    void this.deliver(userId, subject, text).catch((error: unknown) => this.log.error(String(error)))
  }

  private async deliver(userId: string, subject: string, text: string): Promise<void> {
    const to = this.addresses.get(userId) ?? (await this.lookUp(userId))
    await this.transport.sendMail({ from: 'shop@example.org', to, subject, text })
  }

  private async lookUp(userId: string): Promise<string> {
    const url = `${config.usersUrl()}/internal/users/${userId}`
    const { data } = await firstValueFrom(this.http.get<{ email: string }>(url))
    this.addresses.set(userId, data.email)
    return data.email
  }
}

@Controller()
class NotificationsController {
  constructor(
    @InjectRepository(Notification) private readonly notifications: Repository<Notification>,
    private readonly stream: StreamGateway,
    private readonly mails: Mails,
  ) {}

  @EventPattern(topics.orders)
  onOrder(@Payload() event: OrderEvent) {
    return this.tell(event)
  }

  @EventPattern(topics.payments)
  onPayment(@Payload() event: PaymentEvent) {
    return this.tell(event)
  }

  @EventPattern(topics.delivery)
  onDelivery(@Payload() event: DeliveryEvent) {
    return this.tell(event)
  }

  private async tell({ type: kind, userId, orderId }: OrderEvent | PaymentEvent | DeliveryEvent): Promise<void> {
    const title = titles[kind]
    if (title === undefined) return
    await this.notifications.insert({ userId, orderId, kind, title })
    this.stream.send(userId, { kind, orderId, title, at: new Date().toISOString() })
    if (mailed.has(kind)) this.mails.send(userId, title, `${title}.\nOrder ${orderId}\n`)
  }
}

@Module({
  imports: [...database([Notification]), tokens(), httpClient()],
  providers: [StreamGateway, Mails],
  controllers: [NotificationsController],
})
class NotificationsModule {}

void start(NotificationsModule, [consumer('notifications')])
