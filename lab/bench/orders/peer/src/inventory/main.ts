/** Inventory: what there is, over gRPC; stock reserved and sold by conditional updates, by events. */
import { join } from 'node:path'
import { Controller, Get, Inject, Injectable, Module, type OnModuleInit } from '@nestjs/common'
import { ClientKafka, EventPattern, GrpcMethod, Payload, Transport } from '@nestjs/microservices'
import { InjectRepository } from '@nestjs/typeorm'
import { Column, DataSource, Entity, type EntityManager, In, PrimaryColumn, Repository } from 'typeorm'
import { config } from '../config.ts'
import { type InventoryEvent, type OrderEvent, type OrderLine, topics } from '../events.ts'
import { consumer, database, kafkaClient, producer, publish, start } from '../platform.ts'

@Entity('stock')
class Stock {
  @PrimaryColumn()
  productId!: string

  @Column()
  name!: string

  @Column('int')
  unitPriceMinor!: number

  @Column('int')
  available!: number

  @Column('int', { default: 0 })
  reserved!: number

  @Column('int', { default: 0 })
  sold!: number
}

@Entity('reservations')
class Reservation {
  @PrimaryColumn('uuid')
  orderId!: string

  @Column()
  state!: 'reserved' | 'sold'

  @Column('jsonb')
  items!: OrderLine[]
}

/** Enough of each that no run of the bench ever sells out. */
const productsSeeded = 40
const unitsSeeded = 100_000_000

class SoldOut extends Error {}

@Injectable()
class StockService implements OnModuleInit {
  constructor(
    @InjectRepository(Stock) private readonly stock: Repository<Stock>,
    private readonly database: DataSource,
  ) {}

  async onModuleInit() {
    const seeded = Array.from({ length: productsSeeded }, (_, index) => ({
      productId: `P-${1001 + index}`,
      name: `Product ${1001 + index}`,
      unitPriceMinor: 500 + 100 * index,
      available: unitsSeeded,
    }))
    await this.stock.createQueryBuilder().insert().values(seeded).orIgnore().execute()
  }

  all(): Promise<Stock[]> {
    return this.stock.find({ order: { productId: 'ASC' } })
  }

  async availability(lines: { productId: string; quantity: number }[]) {
    const rows = await this.stock.findBy({ productId: In(lines.map(({ productId }) => productId)) })
    const known = new Map(rows.map((row) => [row.productId, row]))
    return lines.map(({ productId, quantity }) => {
      const row = known.get(productId)
      return {
        productId,
        known: row !== undefined,
        name: row?.name ?? '',
        unitPriceMinor: row?.unitPriceMinor ?? 0,
        requested: quantity,
        available: row?.available ?? 0,
      }
    })
  }

  /** All lines or none. An order that was reserved before stays so. */
  async reserve(orderId: string, items: OrderLine[]): Promise<boolean> {
    try {
      await this.database.transaction(async (manager) => {
        const { raw } = await manager
          .createQueryBuilder()
          .insert()
          .into(Reservation)
          .values({ orderId, state: 'reserved', items })
          .orIgnore()
          .returning('"orderId"')
          .execute()
        if (raw.length > 0) await this.take(manager, items, 'available', 'reserved')
      })
      return true
    } catch (error) {
      if (error instanceof SoldOut) return false
      throw error
    }
  }

  async sell(orderId: string): Promise<void> {
    await this.database.transaction(async (manager) => {
      const { raw } = await manager
        .createQueryBuilder()
        .update(Reservation)
        .set({ state: 'sold' })
        .where({ orderId, state: 'reserved' })
        .returning('items')
        .execute()
      const [reservation] = raw as Reservation[]
      if (reservation) await this.take(manager, reservation.items, 'reserved', 'sold')
    })
  }

  /** In the order of the products' ids, so that two orders never wait for each other. */
  private async take(
    manager: EntityManager,
    items: OrderLine[],
    from: 'available' | 'reserved',
    to: 'reserved' | 'sold',
  ): Promise<void> {
    for (const { productId, quantity } of items.toSorted((a, b) => (a.productId < b.productId ? -1 : 1))) {
      const { affected } = await manager
        .createQueryBuilder()
        .update(Stock)
        .set({ [from]: () => `"${from}" - :quantity`, [to]: () => `"${to}" + :quantity` })
        .where(`"productId" = :productId AND "${from}" >= :quantity`, { productId, quantity })
        .execute()
      if (affected === 0) throw new SoldOut()
    }
  }
}

@Controller()
class InventoryController {
  constructor(
    private readonly stock: StockService,
    @Inject(kafkaClient) private readonly kafka: ClientKafka,
  ) {}

  @Get('products')
  products() {
    return this.stock.all()
  }

  @GrpcMethod('InventoryService', 'CheckAvailability')
  async checkAvailability({ lines = [] }: { lines?: { productId: string; quantity: number }[] }) {
    return { lines: await this.stock.availability(lines) }
  }

  @EventPattern(topics.orders)
  async onOrder(@Payload() event: OrderEvent) {
    if (event.type === 'order.paid') await this.stock.sell(event.orderId)
    if (event.type !== 'order.created') return
    const reserved = await this.stock.reserve(event.orderId, event.items)
    const answer: InventoryEvent = { type: reserved ? 'stock.reserved' : 'stock.rejected', orderId: event.orderId }
    await publish(this.kafka, topics.inventory, answer)
  }
}

@Module({
  imports: [...database([Stock, Reservation]), producer('inventory')],
  providers: [StockService],
  controllers: [InventoryController],
})
class InventoryModule {}

void start(InventoryModule, [
  consumer('inventory'),
  {
    transport: Transport.GRPC,
    options: {
      package: 'peer.inventory',
      protoPath: join(__dirname, '..', '..', 'proto', 'inventory.proto'),
      url: config.grpcAddress(),
    },
  },
])
