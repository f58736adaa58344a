/** Payments: one of the workers that share the tasks; each charges at the processor under the order's key. */
import { HttpService } from '@nestjs/axios'
import { Controller, Get, Inject, Module, Param, ParseUUIDPipe } from '@nestjs/common'
import { ClientKafka, EventPattern, Payload } from '@nestjs/microservices'
import { InjectRepository } from '@nestjs/typeorm'
import { firstValueFrom } from 'rxjs'
import { Column, Entity, PrimaryColumn, Repository } from 'typeorm'
import { config } from '../config.ts'
import { type ChargeTask, type PaymentEvent, topics } from '../events.ts'
import { consumer, database, httpClient, kafkaClient, producer, publish, start } from '../platform.ts'

@Entity('payments')
class Payment {
  @PrimaryColumn('uuid')
  orderId!: string

  @Column('uuid')
  userId!: string

  @Column('int')
  amountMinor!: number

  @Column()
  status!: 'pending' | 'completed' | 'failed'

  @Column({ type: 'varchar', nullable: true })
  processorId!: string | null
}

interface Charge {
  id: string
  status: 'succeeded' | 'declined'
  declineCode?: string
}

@Controller()
class PaymentsController {
  constructor(
    @InjectRepository(Payment) private readonly payments: Repository<Payment>,
    @Inject(kafkaClient) private readonly kafka: ClientKafka,
    private readonly http: HttpService,
  ) {}

  @Get('payments/:orderId')
  get(@Param('orderId', ParseUUIDPipe) orderId: string) {
    return this.payments.findOneBy({ orderId })
  }

  @EventPattern(topics.tasks)
  async onTask(@Payload() { orderId, userId, amountMinor, method }: ChargeTask) {
    await this.payments
      .createQueryBuilder()
      .insert()
      .values({ orderId, userId, amountMinor, status: 'pending', processorId: null })
      .orIgnore()
      .execute()
    const { data: charge } = await firstValueFrom(
      this.http.post<Charge>(
        `${config.processorUrl()}/charges`,
        { amountMinor, currency: 'EUR', method, reference: orderId },
        { headers: { 'idempotency-key': `charge:${orderId}` } },
      ),
    )
    const succeeded = charge.status === 'succeeded'
    await this.payments.update(
      { orderId, status: 'pending' },
      { status: succeeded ? 'completed' : 'failed', processorId: charge.id },
    )
    const event: PaymentEvent = {
      type: succeeded ? 'payment.completed' : 'payment.failed',
      orderId,
      userId,
      amountMinor,
      ...(charge.declineCode === undefined ? {} : { reason: charge.declineCode }),
    }
    await publish(this.kafka, topics.payments, event)
  }
}

@Module({
  imports: [...database([Payment]), httpClient(), producer('payments')],
  controllers: [PaymentsController],
})
class PaymentsModule {}

void start(PaymentsModule, [consumer('payment-workers')])
