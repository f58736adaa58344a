/** Delivery: a parcel for each paid order, which the carrier fetches and brings. */
import { randomUUID } from 'node:crypto'
import { Controller, Inject, Logger, Module } from '@nestjs/common'
import { ClientKafka, EventPattern, Payload } from '@nestjs/microservices'
import { InjectRepository } from '@nestjs/typeorm'
import { Column, Entity, PrimaryColumn, Repository } from 'typeorm'
import { config } from '../config.ts'
import { type DeliveryEvent, type OrderEvent, topics } from '../events.ts'
import { consumer, database, kafkaClient, producer, publish, start } from '../platform.ts'

@Entity('parcels')
class Parcel {
  @PrimaryColumn('uuid')
  orderId!: string

  @Column('uuid')
  userId!: string

  @Column()
  trackingNumber!: string

  @Column()
  status!: 'scheduled' | 'shipped' | 'delivered'
}

@Controller()
class DeliveryController {
  private readonly log = new Logger('Delivery')

  constructor(
    @InjectRepository(Parcel) private readonly parcels: Repository<Parcel>,
    @Inject(kafkaClient) private readonly kafka: ClientKafka,
  ) {}

  @EventPattern(topics.orders)
  async onOrder(@Payload() { type, orderId, userId }: OrderEvent) {
    if (type !== 'order.paid') return
    const parcel = { orderId, userId, trackingNumber: `T-${randomUUID().slice(0, 12)}` }
    const { raw } = await this.parcels
      .createQueryBuilder()
      .insert()
      .values({ ...parcel, status: 'scheduled' })
      .orIgnore()
      .returning('"orderId"')
      .execute()
    if (raw.length === 0) return
    await this.say('delivery.scheduled', parcel)
    this.later(config.shipAfterMs(), async () => {
      await this.parcels.update({ orderId, status: 'scheduled' }, { status: 'shipped' })
      await this.say('delivery.shipped', parcel)
      this.later(config.deliverAfterMs(), async () => {
        await this.parcels.update({ orderId, status: 'shipped' }, { status: 'delivered' })
        await this.say('delivery.delivered', parcel)
      })
    })
  }

  /** The carrier takes its time; nothing waits for it here. */
  private later(ms: number, step: () => Promise<void>): void {
    setTimeout(() => void step().catch((error: unknown) => this.log.error(String(error))), ms)
  }

  private say(type: DeliveryEvent['type'], parcel: Omit<DeliveryEvent, 'type'>): Promise<void> {
    return publish(this.kafka, topics.delivery, { type, ...parcel })
  }
}

@Module({ imports: [...database([Parcel]), producer('delivery')], controllers: [DeliveryController] })
class DeliveryModule {}

void start(DeliveryModule, [consumer('delivery')])
