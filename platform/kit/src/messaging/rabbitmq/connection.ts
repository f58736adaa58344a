/** One connection, opened when it is first needed and again when it was lost. */
import type { ChannelModel } from 'amqplib'
import type { Core } from '../../core.ts'
import type { KitEnvironment } from '../../process/environment.ts'
import { within } from '../../process/waiting.ts'
import { connectionUrl, rabbitSettings, rabbitTimings, shownAddress } from './settings.ts'
import { type QueueKind, queueKindOf } from './topology.ts'

/** The part of a Core that reaches as far as the server. */
export interface RabbitContext extends Pick<Core, 'clock' | 'random' | 'log'> {
  readonly environment: Pick<KitEnvironment, 'instance' | 'rabbitmqUrl' | 'rabbitmqQueues'>
}

export class RabbitConnection {
  readonly #context: RabbitContext
  readonly #purpose: string
  #model: Promise<ChannelModel> | undefined
  #closed = false
  #blocked = false

  /** @param purpose is in its name, which the server's pages and log show */
  constructor(context: RabbitContext, purpose: string) {
    this.#context = context
    this.#purpose = purpose
  }

  /** @throws Error when the server can't be reached or refuses; the next call tries again. */
  open(): Promise<ChannelModel> {
    if (this.#closed) return Promise.reject(new Error('the connection to RabbitMQ is closed'))
    this.#model ??= this.#connect()
    return this.#model
  }

  /** The server has said that it reads nothing for now: its disk or memory is nearly full. */
  get blocked(): boolean {
    return this.#blocked
  }

  /** What queues are made of: as the environment says, else by the server's version. @throws Error when it can't be reached */
  async queueKind(): Promise<QueueKind> {
    const { serverProperties } = (await this.open()).connection
    return this.#context.environment.rabbitmqQueues ?? queueKindOf(serverProperties.version)
  }

  async close(): Promise<void> {
    this.#closed = true
    const model = await this.#model?.catch(() => undefined)
    if (model) await within(this.#context.clock, model.close(), rabbitTimings.closeMs)
  }

  async #connect(): Promise<ChannelModel> {
    const { environment } = this.#context
    try {
      if (environment.rabbitmqUrl === undefined) throw new Error('SVYAZ_RABBITMQ_URL is missing')
      // Most systems never need it.
      const { connect } = await import('amqplib')
      const model = await connect(connectionUrl(environment.rabbitmqUrl), {
        timeout: rabbitSettings.connectTimeoutMs,
        noDelay: true,
        clientProperties: { connection_name: `${environment.instance} ${this.#purpose}` },
      })
      model.on('error', () => undefined)
      model.on('close', () => {
        this.#model = undefined
        this.#blocked = false
      })
      model.on('blocked', (reason) => {
        this.#blocked = true
        this.#context.log.warn({ reason }, 'RabbitMQ takes nothing for now: its disk or memory is nearly full')
      })
      model.on('unblocked', () => {
        this.#blocked = false
        this.#context.log.info({}, 'RabbitMQ takes records again')
      })
      return model
    } catch (cause) {
      this.#model = undefined
      const where = environment.rabbitmqUrl && shownAddress(environment.rabbitmqUrl)
      throw new Error(`RabbitMQ at ${where}: ${cause instanceof Error ? cause.message : String(cause)}`, { cause })
    }
  }
}
