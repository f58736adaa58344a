/** `svyaz make-topics`: the job that makes every topic on a Kafka cluster, or every queue on a RabbitMQ. */
import { engineRows, readEngines } from '@svyaz/system/engines/addresses.ts'
import { makeAllTopics } from '@svyaz/system/engines/prepare.ts'
import type { Invocation } from './command.ts'
import { exitCodes, UsageError } from './errors.ts'

/**
 * `svyaz make-topics`: the contracts' topics on a Kafka or RabbitMQ of one's own.
 * @returns the exit code
 */
export async function makeTopics({ config, terminal, flags }: Invocation): Promise<number> {
  // It talks to what carries the events alone: the other addresses don't matter here.
  const others = engineRows.filter((row) => row.carries === undefined).map((row) => [row.variable, 'embedded'])
  const read = readEngines({ ...config.environment, ...Object.fromEntries(others) })
  if ('faults' in read) throw new UsageError(read.faults.join('\n'))
  if (!read.engines.kafka && !read.engines.rabbitmq)
    throw new UsageError('SVYAZ_KAFKA_BROKERS is `embedded`: there the services make their topics')
  const report = await makeAllTopics(read.engines)
  if (flags.json) terminal.json(report)
  else terminal.print(`${report.made.length} topics made, ${report.present.length} were there as they should be`)
  return exitCodes.ok
}
