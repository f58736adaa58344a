/**
 * The topic settings that exist here, with Apache Kafka's names and defaults. What Kafka has beyond these (flush
 * intervals, index sizes, tiered storage) is decided by the log itself.
 */
export type ConfigType = 'boolean' | 'string' | 'int' | 'long' | 'double' | 'list'

export interface ConfigDefinition {
  readonly name: string
  readonly type: ConfigType
  readonly default: string
  readonly documentation: string
  /** Null when the value is fine, else what is wrong with it. */
  readonly fault: (value: string) => string | null
}

const integer = (min: number) => (value: string) =>
  /^-?\d{1,18}$/.test(value) && Number(value) >= min ? null : `must be a whole number of at least ${min}`
const oneOf =
  (...allowed: string[]) =>
  (value: string) =>
    allowed.includes(value) ? null : `must be one of ${allowed.join(', ')}`

export const topicConfigs: readonly ConfigDefinition[] = [
  {
    name: 'cleanup.policy',
    type: 'list',
    default: 'delete',
    documentation: 'delete: by retention. compact: accepted, everything is kept, as nothing compacts here.',
    fault: (value) =>
      value.split(',').every((policy) => ['delete', 'compact'].includes(policy.trim()))
        ? null
        : 'must be delete, compact or both',
  },
  {
    name: 'compression.type',
    type: 'string',
    default: 'producer',
    documentation: 'Batches are kept as producers send them.',
    fault: oneOf('producer', 'uncompressed', 'gzip', 'snappy', 'lz4', 'zstd'),
  },
  {
    name: 'max.message.bytes',
    type: 'int',
    default: '1048588',
    documentation: 'Largest record batch that is accepted.',
    fault: integer(0),
  },
  {
    name: 'message.timestamp.type',
    type: 'string',
    default: 'CreateTime',
    documentation: 'Timestamps are those of the producer.',
    fault: oneOf('CreateTime'),
  },
  {
    name: 'min.insync.replicas',
    type: 'int',
    default: '1',
    documentation: 'There is one replica: this node.',
    fault: oneOf('1'),
  },
  {
    name: 'retention.bytes',
    type: 'long',
    default: '-1',
    documentation: 'Old segments go while a partition holds at least as much without them; -1: no limit.',
    fault: integer(-1),
  },
  {
    name: 'retention.ms',
    type: 'long',
    default: '604800000',
    documentation: 'Segments whose newest record is older go; -1: no limit.',
    fault: integer(-1),
  },
  {
    name: 'segment.bytes',
    type: 'int',
    default: '1073741824',
    documentation: 'Accepted for compatibility; the log has one segment size for all topics.',
    fault: integer(14),
  },
  {
    name: 'segment.ms',
    type: 'long',
    default: '604800000',
    documentation: 'Accepted for compatibility.',
    fault: integer(1),
  },
  {
    name: 'delete.retention.ms',
    type: 'long',
    default: '86400000',
    documentation: 'Accepted for compatibility.',
    fault: integer(0),
  },
  {
    name: 'min.cleanable.dirty.ratio',
    type: 'double',
    default: '0.5',
    documentation: 'Accepted for compatibility.',
    fault: (value) => (Number(value) >= 0 && Number(value) <= 1 ? null : 'must lie between 0 and 1'),
  },
]

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
 * @throws RangeError for a name that is no topic setting
 */
export function configValue(configs: Readonly<Record<string, string>>, name: string): string {
  const definition = byName.get(name)
  if (definition === undefined) throw new RangeError(`no topic setting ${name}`)
  return configs[name] ?? definition.default
}
