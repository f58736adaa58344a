import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { documentationOf, faultsOfConfigs, topicConfigs } from './topic-configs.ts'

/** Every name of org.apache.kafka.common.config.TopicConfig in Apache Kafka 4. */
const kafkaNames = [
  'cleanup.policy',
  'compression.gzip.level',
  'compression.lz4.level',
  'compression.type',
  'compression.zstd.level',
  'delete.retention.ms',
  'file.delete.delay.ms',
  'flush.messages',
  'flush.ms',
  'follower.replication.throttled.replicas',
  'index.interval.bytes',
  'leader.replication.throttled.replicas',
  'local.retention.bytes',
  'local.retention.ms',
  'max.compaction.lag.ms',
  'max.message.bytes',
  'message.timestamp.after.max.ms',
  'message.timestamp.before.max.ms',
  'message.timestamp.type',
  'min.cleanable.dirty.ratio',
  'min.compaction.lag.ms',
  'min.insync.replicas',
  'preallocate',
  'remote.log.copy.disable',
  'remote.log.delete.on.disable',
  'remote.storage.enable',
  'retention.bytes',
  'retention.ms',
  'segment.bytes',
  'segment.index.bytes',
  'segment.jitter.ms',
  'segment.ms',
  'unclean.leader.election.enable',
]

const accepts = (name: string, value: string) => faultsOfConfigs([{ name, value }]).length === 0

describe('settings of a topic', () => {
  test('are those of Apache Kafka, each once', () => {
    assert.deepEqual(
      topicConfigs.map(({ name }) => name),
      kafkaNames,
    )
  })

  test('what is described may be asked for', () => {
    assert.deepEqual(faultsOfConfigs(topicConfigs.map(({ name, default: value }) => ({ name, value }))), [])
  })

  const asked: readonly [string, string, boolean][] = [
    ['flush.messages', '1', true],
    ['flush.messages', '9223372036854775807', true],
    ['flush.messages', '0', false],
    ['flush.messages', '9223372036854775808', false],
    ['unclean.leader.election.enable', 'false', true],
    ['unclean.leader.election.enable', 'true', false],
    ['preallocate', 'false', true],
    ['preallocate', 'true', false],
    ['remote.storage.enable', 'true', false],
    ['message.timestamp.before.max.ms', '9223372036854775807', true],
    ['message.timestamp.before.max.ms', '1000', false],
    ['min.insync.replicas', '1', true],
    ['min.insync.replicas', '2', false],
    ['leader.replication.throttled.replicas', '*', true],
    ['leader.replication.throttled.replicas', '0:1,1:1', true],
    ['leader.replication.throttled.replicas', 'all', false],
    ['retention.ms', '-1', true],
    ['retention.ms', 'soon', false],
    ['min.cleanable.dirty.ratio', '', false],
    ['compression.zstd.level', '23', false],
  ]
  for (const [name, value, isAccepted] of asked)
    test(`${name}=${value} is ${isAccepted ? 'accepted' : 'refused'}`, () =>
      assert.equal(accepts(name, value), isAccepted))

  test('a name that no Kafka knows is refused by name', () => {
    assert.match(faultsOfConfigs([{ name: 'no.such.setting', value: '1' }])[0] ?? '', /no\.such\.setting/)
  })

  test('what changes nothing here says so', () => {
    for (const config of topicConfigs)
      assert.equal(/changes nothing/.test(documentationOf(config)), config.effect === 'stored', config.name)
  })
})
