/** What all services of the peer have in common: how they start, and the modules for Kafka, TypeORM and tokens. */
import { Agent } from 'node:http'
import { HttpModule } from '@nestjs/axios'
import {
  type CanActivate,
  type DynamicModule,
  type ExecutionContext,
  Injectable,
  type Type,
  UnauthorizedException,
  ValidationPipe,
} from '@nestjs/common'
import { NestFactory } from '@nestjs/core'
import { JwtModule, JwtService } from '@nestjs/jwt'
import {
  type ClientKafka,
  ClientsModule,
  type KafkaOptions,
  type MicroserviceOptions,
  Transport,
} from '@nestjs/microservices'
import { WsAdapter } from '@nestjs/platform-ws'
import { TypeOrmModule } from '@nestjs/typeorm'
import type { Request } from 'express'
import { logLevel } from 'kafkajs'
import { lastValueFrom } from 'rxjs'
import './quiet-kafkajs.ts'
import { config, databaseConnectionsMax, httpConnectionsMax, keepAliveMs, partitions } from './config.ts'

export const kafkaClient = 'KAFKA'

/** The producer of a service, for injection under {@link kafkaClient}. */
export function producer(clientId: string): DynamicModule {
  return ClientsModule.registerAsync([
    {
      name: kafkaClient,
      useFactory: () => ({
        transport: Transport.KAFKA,
        options: {
          client: { clientId, brokers: config.kafkaBrokers(), logLevel: logLevel.ERROR },
          producerOnlyMode: true,
          producer: { allowAutoTopicCreation: false },
        },
      }),
    },
  ])
}

/** Resolves when the broker has acknowledged the event. */
export async function publish<Event extends { orderId: string }>(
  client: ClientKafka,
  topic: string,
  event: Event,
): Promise<void> {
  await lastValueFrom(client.emit(topic, { key: event.orderId, value: event }), { defaultValue: undefined })
}

/** The service's own database; tables are made from the entities at the start. */
export function database(entities: Type[]): DynamicModule[] {
  return [
    TypeOrmModule.forRootAsync({
      useFactory: () => ({
        type: 'postgres',
        url: config.databaseUrl(),
        entities,
        synchronize: true,
        logging: false,
        extra: { max: databaseConnectionsMax },
      }),
    }),
    TypeOrmModule.forFeature(entities),
  ]
}

/** Calls to other services, over connections that are kept. */
export function httpClient(): DynamicModule {
  return HttpModule.register({
    httpAgent: new Agent({ keepAlive: true, maxSockets: httpConnectionsMax }),
    timeout: 5_000,
  })
}

/** Signs and checks the tokens of users. */
export function tokens(): DynamicModule {
  return JwtModule.registerAsync({
    useFactory: () => ({ secret: config.jwtSecret(), signOptions: { expiresIn: '12h' } }),
  })
}

export interface SignedIn {
  userId: string
}

/** Lets a request in whose bearer token is good; `request.user` is who sent it. */
@Injectable()
export class TokenGuard implements CanActivate {
  constructor(private readonly jwt: JwtService) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    const request = context.switchToHttp().getRequest<Request & { user?: SignedIn }>()
    const token = /^Bearer (.+)$/.exec(request.headers.authorization ?? '')?.[1]
    try {
      const { sub } = await this.jwt.verifyAsync<{ sub: string }>(token ?? '')
      request.user = { userId: sub }
      return true
    } catch {
      throw new UnauthorizedException()
    }
  }
}

/** A consumer group of all topics that the service's handlers name. */
export function consumer(name: string): KafkaOptions {
  const groupId = `${config.namePrefix()}${name}`
  return {
    transport: Transport.KAFKA,
    options: {
      client: { clientId: groupId, brokers: config.kafkaBrokers(), logLevel: logLevel.ERROR },
      consumer: { groupId, allowAutoTopicCreation: false },
      postfixId: '',
      subscribe: { fromBeginning: true },
      run: { partitionsConsumedConcurrently: partitions },
    },
  }
}

/** Starts a service: its HTTP port, what it consumes and serves besides, then one word to the bench. */
export async function start(module: Type, microservices: MicroserviceOptions[] = []): Promise<void> {
  const app = await NestFactory.create(module, { logger: ['error', 'warn'] })
  app.useGlobalPipes(new ValidationPipe({ whitelist: true, transform: true }))
  app.useWebSocketAdapter(new WsAdapter(app))
  app.enableShutdownHooks()
  for (const options of microservices) app.connectMicroservice(options)
  await app.startAllMicroservices()
  await app.listen(config.port(), '127.0.0.1')
  // Longer than the clients' patience with an idle connection: whoever sends as it is closed gets no answer.
  app.getHttpServer().keepAliveTimeout = keepAliveMs
  // A bench that ended, however it did, leaves nothing behind.
  process.on('disconnect', () => process.exit())
  process.send?.('ready')
}
