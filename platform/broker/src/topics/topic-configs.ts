/**
 * Every topic setting of Apache Kafka 4 (org.apache.kafka.common.config.TopicConfig), with its name, and what becomes of
 * it here. A setting that asks for what holds anyway is accepted and described as it holds; one that would be a lie is
 * refused.
 */
export type ConfigType = 'boolean' | 'string' | 'int' | 'long' | 'double' | 'list'

export interface ConfigDefinition {
  readonly name: string
  readonly type: ConfigType
  readonly default: string
  readonly documentation: string
  /**
   * `obeyed`: it changes what happens. `holds`: only the value that holds anyway is accepted. `stored`: any sound value is
   * kept and described, and changes nothing here, as the documentation says.
   */
  readonly effect: 'obeyed' | 'holds' | 'stored'
  /** Null when the value is fine, else what is wrong with it. */
  readonly fault: (value: string) => string | null
}

/** Whole numbers as Java's long takes them; compared as bigint, since the largest does not fit a double. */
const integer =
  (min: number, max = 9_223_372_036_854_775_807n as number | bigint) =>
  (value: string) => {
    const fault = `must be a whole number from ${min} to ${max}`
    if (!/^-?\d{1,19}$/.test(value)) return fault
    const number = BigInt(value)
    return number >= BigInt(min) && number <= BigInt(max) ? null : fault
  }
const oneOf =
  (...allowed: string[]) =>
  (value: string) =>
    allowed.includes(value) ? null : `must be ${allowed.length === 1 ? '' : 'one of '}${allowed.join(', ')}`
/** `partition:broker,…` or `*` (KIP-73). */
const replicas = (value: string) =>
  /^(\*|(\d+:\d+(,\d+:\d+)*)?)$/.test(value) ? null : 'must be *, empty, or pairs of partition:broker'

export const topicConfigs: readonly ConfigDefinition[] = [
  {
    name: 'cleanup.policy',
    type: 'list',
    default: 'delete',
    effect: 'obeyed',
    documentation: 'delete: by retention. compact: accepted, everything is kept, as nothing compacts here.',
    fault: (value) =>
      value.split(',').every((policy) => ['delete', 'compact'].includes(policy.trim()))
        ? null
        : 'must be delete, compact or both',
  },
  {
    name: 'compression.gzip.level',
    type: 'int',
    default: '-1',
    effect: 'stored',
    documentation: 'Batches are kept as producers send them.',
    fault: integer(-1, 9),
  },
  {
    name: 'compression.lz4.level',
    type: 'int',
    default: '9',
    effect: 'stored',
    documentation: 'Batches are kept as producers send them.',
    fault: integer(1, 17),
  },
  {
    name: 'compression.type',
    type: 'string',
    default: 'producer',
    effect: 'stored',
    documentation: 'Batches are kept as producers send them.',
    fault: oneOf('producer', 'uncompressed', 'gzip', 'snappy', 'lz4', 'zstd'),
  },
  {
    name: 'compression.zstd.level',
    type: 'int',
    default: '3',
    effect: 'stored',
    documentation: 'Batches are kept as producers send them.',
    fault: integer(-131_072, 22),
  },
  {
    name: 'delete.retention.ms',
    type: 'long',
    default: '86400000',
    effect: 'stored',
    documentation: 'Nothing compacts here.',
    fault: integer(0),
  },
  {
    name: 'file.delete.delay.ms',
    type: 'long',
    default: '60000',
    effect: 'stored',
    documentation: 'Files go when nobody reads them any more.',
    fault: integer(0),
  },
  {
    name: 'flush.messages',
    type: 'long',
    default: '1',
    effect: 'stored',
    documentation: 'Every acknowledged batch is synced, which is at least as often as any value asks.',
    fault: integer(1),
  },
  {
    name: 'flush.ms',
    type: 'long',
    default: '9223372036854775807',
    effect: 'stored',
    documentation: 'Every acknowledged batch is synced at once.',
    fault: integer(0),
  },
  {
    name: 'follower.replication.throttled.replicas',
    type: 'list',
    default: '',
    effect: 'stored',
    documentation: 'There is one node: nothing is replicated.',
    fault: replicas,
  },
  {
    name: 'index.interval.bytes',
    type: 'int',
    default: '4096',
    effect: 'stored',
    documentation: 'The log decides where it indexes.',
    fault: integer(0),
  },
  {
    name: 'leader.replication.throttled.replicas',
    type: 'list',
    default: '',
    effect: 'stored',
    documentation: 'There is one node: nothing is replicated.',
    fault: replicas,
  },
  {
    name: 'local.retention.bytes',
    type: 'long',
    default: '-2',
    effect: 'stored',
    documentation: 'There is no remote storage.',
    fault: integer(-2),
  },
  {
    name: 'local.retention.ms',
    type: 'long',
    default: '-2',
    effect: 'stored',
    documentation: 'There is no remote storage.',
    fault: integer(-2),
  },
  {
    name: 'max.compaction.lag.ms',
    type: 'long',
    default: '9223372036854775807',
    effect: 'stored',
    documentation: 'Nothing compacts here.',
    fault: integer(1),
  },
  {
    name: 'max.message.bytes',
    type: 'int',
    default: '1048588',
    effect: 'obeyed',
    documentation: 'Largest record batch that is accepted.',
    fault: integer(0),
  },
  {
    name: 'message.timestamp.after.max.ms',
    type: 'long',
    default: '9223372036854775807',
    effect: 'holds',
    documentation: 'Timestamps of producers are taken as they are.',
    fault: oneOf('9223372036854775807'),
  },
  {
    name: 'message.timestamp.before.max.ms',
    type: 'long',
    default: '9223372036854775807',
    effect: 'holds',
    documentation: 'Timestamps of producers are taken as they are.',
    fault: oneOf('9223372036854775807'),
  },
  {
    name: 'message.timestamp.type',
    type: 'string',
    default: 'CreateTime',
    effect: 'holds',
    documentation: 'Timestamps are those of the producer.',
    fault: oneOf('CreateTime'),
  },
  {
    name: 'min.cleanable.dirty.ratio',
    type: 'double',
    default: '0.5',
    effect: 'stored',
    documentation: 'Nothing compacts here.',
    fault: (value) =>
      /^[\d.eE+-]+$/.test(value) && Number(value) >= 0 && Number(value) <= 1 ? null : 'must be a number from 0 to 1',
  },
  {
    name: 'min.compaction.lag.ms',
    type: 'long',
    default: '0',
    effect: 'stored',
    documentation: 'Nothing compacts here.',
    fault: integer(0),
  },
  {
    name: 'min.insync.replicas',
    type: 'int',
    default: '1',
    effect: 'holds',
    documentation: 'There is one replica: this node.',
    fault: oneOf('1'),
  },
  {
    name: 'preallocate',
    type: 'boolean',
    default: 'false',
    effect: 'holds',
    documentation: 'Files grow as they are written.',
    fault: oneOf('false'),
  },
  {
    name: 'remote.log.copy.disable',
    type: 'boolean',
    default: 'false',
    effect: 'stored',
    documentation: 'There is no remote storage.',
    fault: oneOf('true', 'false'),
  },
  {
    name: 'remote.log.delete.on.disable',
    type: 'boolean',
    default: 'false',
    effect: 'stored',
    documentation: 'There is no remote storage.',
    fault: oneOf('true', 'false'),
  },
  {
    name: 'remote.storage.enable',
    type: 'boolean',
    default: 'false',
    effect: 'holds',
    documentation: 'There is no remote storage.',
    fault: oneOf('false'),
  },
  {
    name: 'retention.bytes',
    type: 'long',
    default: '-1',
    effect: 'obeyed',
    documentation: 'Old segments go while a partition holds at least as much without them; -1: no limit.',
    fault: integer(-1),
  },
  {
    name: 'retention.ms',
    type: 'long',
    default: '604800000',
    effect: 'obeyed',
    documentation: 'Segments whose newest record is older go; -1: no limit.',
    fault: integer(-1),
  },
  {
    name: 'segment.bytes',
    type: 'int',
    default: '1073741824',
    effect: 'stored',
    documentation: 'The log has one segment size for all topics.',
    fault: integer(14),
  },
  {
    name: 'segment.index.bytes',
    type: 'int',
    default: '10485760',
    effect: 'stored',
    documentation: 'An index is as large as its segment needs.',
    fault: integer(4),
  },
  {
    name: 'segment.jitter.ms',
    type: 'long',
    default: '0',
    effect: 'stored',
    documentation: 'The log has one segment size for all topics.',
    fault: integer(0),
  },
  {
    name: 'segment.ms',
    type: 'long',
    default: '604800000',
    effect: 'stored',
    documentation: 'The log has one segment size for all topics.',
    fault: integer(1),
  },
  {
    name: 'unclean.leader.election.enable',
    type: 'boolean',
    default: 'false',
    effect: 'holds',
    documentation: 'There is one node: no other can lead.',
    fault: oneOf('false'),
  },
]

/** What DescribeConfigs says of a setting, its effect here included. */
export function documentationOf({ documentation, effect }: ConfigDefinition): string {
  if (effect === 'obeyed') return documentation
  return `${documentation} ${effect === 'stored' ? 'Kept as it is asked; it changes nothing here.' : 'Only this value is accepted.'}`
}

const byName = new Map(topicConfigs.map((config) => [config.name, config]))

/** Every fault of a set of settings, or none. A null value means the default. */
export function faultsOfConfigs(configs: Iterable<{ name: string; value: string | null }>): readonly string[] {
  const faults: string[] = []
  for (const { name, value } of configs) {
    const definition = byName.get(name)
    if (definition === undefined) faults.push(`${name} is not a setting of a topic here`)
    else if (value !== null) {
      const fault = definition.fault(value)
      if (fault !== null) faults.push(`${name} ${fault}`)
    }
  }
  return faults
}

/**
 * A topic's setting, or its default.
 * @throws RangeError for a name that is not a topic setting
 */
export function configValue(configs: Readonly<Record<string, string>>, name: string): string {
  const definition = byName.get(name)
  if (definition === undefined) throw new RangeError(`no topic setting ${name}`)
  return configs[name] ?? definition.default
}
