/** What carries the events that a command looks at: the running system's broker, RabbitMQ, or what `--bootstrap` names. */
import type { Operator } from '@svyaz/kit/operator'
import type { Instances } from '@svyaz/system/supervisor/control-client.ts'
import type { Invocation } from './command.ts'
import { ask } from './control-client.ts'
import { CliError, UsageError } from './errors.ts'

/** Runs with a connection to what carries the events; what the client complains of becomes one sentence. */
export async function withBroker<T>(invocation: Invocation, use: (operator: Operator) => Promise<T>): Promise<T> {
  const place = await placeOf(invocation)
  const { openOperator, openRabbitOperator } = await import('@svyaz/kit/operator')
  const silent = () => {}
  const log = { debug: silent, info: silent, warn: silent, error: silent, child: () => log }
  const about = { name: 'svyaz-cli', log }
  const operator =
    place.rabbitmq === undefined
      ? openOperator({ ...about, bootstrap: place.kafka })
      : openRabbitOperator({ ...about, url: place.rabbitmq })
  try {
    return await use(operator)
  } catch (error) {
    throw (place.rabbitmq === undefined ? unreachable(error, place.kafka) : unreachableRabbit(error)) ?? error
  } finally {
    await operator[Symbol.asyncDispose]()
  }
}

type Place =
  | { readonly rabbitmq: string; readonly kafka?: never }
  | { readonly kafka: readonly string[]; readonly rabbitmq?: never }

/** Its address, which holds a password, is in the environment of who started the system, and nowhere else. */
async function placeOf(invocation: Invocation): Promise<Place> {
  const named = invocation.flags.bootstrap
  if (typeof named === 'string' && /^amqps?:/.test(named)) {
    if (!URL.canParse(named)) throw new UsageError('--bootstrap takes amqp://user:password@host:port')
    return { rabbitmq: named }
  }
  const { SVYAZ_MESSAGES: messages, SVYAZ_RABBITMQ_URL: rabbitmq } = invocation.config.environment
  if (named === undefined && messages === 'rabbitmq' && rabbitmq) return { rabbitmq }
  return { kafka: await addresses(invocation) }
}

/** @throws UsageError for what is not an address, CliError when the running system has no broker and none is named. */
export async function addresses({ flags, config }: Invocation): Promise<string[]> {
  if (typeof flags.bootstrap === 'string') {
    const list = flags.bootstrap.split(',')
    const wrong = list.find((address) => !/^[^\s:/]+:\d{1,5}$|^\[[0-9a-f:]+\]:\d{1,5}$/i.test(address))
    if (wrong !== undefined) throw new UsageError(`--bootstrap takes host:port, not "${wrong}"`)
    return list
  }
  const { instances } = await ask<Instances>(config.home, 'GET', '/instances')
  const port = instances.find((instance) => instance.service === 'broker')?.ports.kafka
  if (port === undefined)
    throw new CliError(
      'the running system has no broker; name Kafka with --bootstrap <host:port>, RabbitMQ with SVYAZ_MESSAGES=rabbitmq and SVYAZ_RABBITMQ_URL',
    )
  return [`127.0.0.1:${port}`]
}

function unreachable(error: unknown, bootstrap: readonly string[]): CliError | undefined {
  if (!((error as { code?: string }).code ?? '').startsWith('PLT_KFK_')) return undefined
  const reasons = [...new Set(causesOf(error as Error))].slice(0, 3)
  return new CliError(`the broker at ${bootstrap.join(', ')} did not do it: ${reasons.join('; ')}`)
}

/** The connection words it, without the password. */
const unreachableRabbit = (error: unknown): CliError | undefined =>
  error instanceof Error && error.message.startsWith('RabbitMQ at ') ? new CliError(error.message) : undefined

/** The client wraps what went wrong several times over: only the innermost says it. */
function causesOf(error: Error & { readonly errors?: readonly Error[] }): string[] {
  const inner = [...(error.errors ?? []), ...(error.cause instanceof Error ? [error.cause] : [])]
  return inner.length === 0 ? [error.message] : inner.flatMap(causesOf)
}
