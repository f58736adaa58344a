/** Orders: takes them over HTTP and carries each through stock, payment and delivery by events. */
import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import { HttpService } from '@nestjs/axios'
import {
  BadRequestException,
  Body,
  ConflictException,
  Controller,
  ForbiddenException,
  Get,
  Inject,
  Module,
  NotFoundException,
  type OnModuleInit,
  Param,
  ParseUUIDPipe,
  Post,
  Req,
  UseGuards,
} from '@nestjs/common'
import { type ClientGrpc, ClientKafka, ClientsModule, EventPattern, Payload, Transport } from '@nestjs/microservices'
import { InjectRepository } from '@nestjs/typeorm'
import { Type } from 'class-transformer'
import { ArrayMaxSize, ArrayMinSize, IsArray, IsInt, IsString, Max, Min, ValidateNested } from 'class-validator'
import { firstValueFrom, type Observable } from 'rxjs'
import { Column, CreateDateColumn, Entity, PrimaryColumn, Repository, UpdateDateColumn } from 'typeorm'
import { config } from '../config.ts'
import {
  type ChargeTask,
  type DeliveryEvent,
  type InventoryEvent,
  type OrderEvent,
  type OrderLine,
  type OrderStatus,
  type PaymentEvent,
  topics,
} from '../events.ts'
import {
  consumer,
  database,
  httpClient,
  kafkaClient,
  producer,
  publish,
  type SignedIn,
  start,
  TokenGuard,
  tokens,
} from '../platform.ts'

@Entity('orders')
class Order {
  @PrimaryColumn('uuid')
  id!: string

  @Column('uuid')
  userId!: string

  @Column()
  status!: OrderStatus

  @Column('jsonb')
  items!: OrderLine[]

  @Column('int')
  totalMinor!: number

  @Column()
  paymentMethod!: string

  @Column({ type: 'varchar', nullable: true })
  reason!: string | null

  @CreateDateColumn()
  createdAt!: Date

  @UpdateDateColumn()
  updatedAt!: Date
}

class Line {
  @IsString()
  productId!: string

  @IsInt()
  @Min(1)
  @Max(100)
  quantity!: number
}

class NewOrder {
  @IsArray()
  @ArrayMinSize(1)
  @ArrayMaxSize(50)
  @ValidateNested({ each: true })
  @Type(() => Line)
  items!: Line[]
}

interface Availability {
  lines: {
    productId: string
    known: boolean
    name: string
    unitPriceMinor: number
    requested: number
    available: number
  }[]
}

interface InventoryClient {
  checkAvailability(request: { lines: Line[] }): Observable<Availability>
}

@Controller()
class OrdersController implements OnModuleInit {
  private inventory!: InventoryClient

  constructor(
    @InjectRepository(Order) private readonly orders: Repository<Order>,
    @Inject(kafkaClient) private readonly kafka: ClientKafka,
    @Inject('INVENTORY') private readonly grpc: ClientGrpc,
    private readonly http: HttpService,
  ) {}

  async onModuleInit() {
    this.inventory = this.grpc.getService<InventoryClient>('InventoryService')
    await this.kafka.connect()
  }

  @Post('orders')
  @UseGuards(TokenGuard)
  async create(@Body() { items }: NewOrder, @Req() { user: { userId } }: { user: SignedIn }) {
    const [{ data: user }, { lines }] = await Promise.all([
      firstValueFrom(this.http.get<{ status: string }>(`${config.usersUrl()}/internal/users/${userId}`)),
      firstValueFrom(this.inventory.checkAvailability({ lines: items })),
    ])
    if (user.status !== 'active') throw new ForbiddenException('this user is blocked')
    const unknown = lines.find(({ known }) => !known)
    if (unknown) throw new BadRequestException(`${unknown.productId} is not in the catalogue`)
    if (lines.some(({ requested, available }) => available < requested)) throw new ConflictException('out of stock')
    const priced = lines.map(({ productId, requested, name, unitPriceMinor }) => ({
      productId,
      quantity: requested,
      name,
      unitPriceMinor,
    }))
    const order = this.orders.create({
      id: randomUUID(),
      userId,
      status: 'pending',
      items: priced,
      totalMinor: priced.reduce((sum, line) => sum + line.quantity * line.unitPriceMinor, 0),
      paymentMethod: 'pm_ok',
      reason: null,
    })
    await this.orders.insert(order)
    await publish(this.kafka, topics.orders, eventOf(order, 'order.created'))
    return order
  }

  @Get('orders/:id')
  @UseGuards(TokenGuard)
  async get(@Param('id', ParseUUIDPipe) id: string, @Req() { user: { userId } }: { user: SignedIn }) {
    const order = await this.orders.findOneBy({ id, userId })
    if (!order) throw new NotFoundException()
    return order
  }

  @EventPattern(topics.inventory)
  async onInventory(@Payload() event: InventoryEvent) {
    if (event.type === 'stock.rejected') return this.move(event.orderId, ['pending'], 'rejected', 'out_of_stock')
    const order = await this.move(event.orderId, ['pending'], 'processing')
    if (!order) return
    const task: ChargeTask = {
      type: 'payment.charge',
      orderId: order.id,
      userId: order.userId,
      amountMinor: order.totalMinor,
      method: order.paymentMethod,
    }
    await publish(this.kafka, topics.tasks, task)
  }

  @EventPattern(topics.payments)
  async onPayment(@Payload() event: PaymentEvent) {
    if (event.type === 'payment.completed') await this.move(event.orderId, ['processing'], 'paid')
    else await this.move(event.orderId, ['processing'], 'rejected', event.reason)
  }

  @EventPattern(topics.delivery)
  async onDelivery(@Payload() event: DeliveryEvent) {
    if (event.type === 'delivery.shipped') await this.move(event.orderId, ['paid'], 'shipped')
    if (event.type === 'delivery.delivered') await this.move(event.orderId, ['paid', 'shipped'], 'completed')
  }

  /** Moves the order on if it stands where this step begins, and says so; a repeated event changes nothing. */
  private async move(
    id: string,
    from: OrderStatus[],
    to: Exclude<OrderStatus, 'pending'>,
    reason?: string,
  ): Promise<Order | undefined> {
    const { raw } = await this.orders
      .createQueryBuilder()
      .update()
      .set({ status: to, ...(reason === undefined ? {} : { reason }) })
      .where('id = :id AND status IN (:...from)', { id, from })
      .returning('*')
      .execute()
    const order = raw[0] as Order | undefined
    if (order) await publish(this.kafka, topics.orders, eventOf(order, `order.${to}`))
    return order
  }
}

const eventOf = (order: Order, type: OrderEvent['type']): OrderEvent => ({
  type,
  orderId: order.id,
  userId: order.userId,
  items: order.items,
  totalMinor: order.totalMinor,
  ...(order.reason === null ? {} : { reason: order.reason }),
})

@Module({
  imports: [
    ...database([Order]),
    tokens(),
    httpClient(),
    producer('orders'),
    ClientsModule.registerAsync([
      {
        name: 'INVENTORY',
        useFactory: () => ({
          transport: Transport.GRPC,
          options: {
            package: 'peer.inventory',
            protoPath: join(__dirname, '..', '..', 'proto', 'inventory.proto'),
            url: config.grpcAddress(),
          },
        }),
      },
    ]),
  ],
  controllers: [OrdersController],
})
class OrdersModule {}

void start(OrdersModule, [consumer('orders')])
