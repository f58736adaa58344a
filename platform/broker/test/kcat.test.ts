/** librdkafka, by way of kcat: the C client, with compression that Node doesn't have. */
import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { after, before, describe, it } from 'node:test'
import { Admin } from '@platformatic/kafka'
import { type Cluster, startCluster, unique } from './cluster.ts'

const missing = spawnSync('kcat', ['-V']).error ? 'kcat is not installed' : false

let cluster: Cluster
let admin: Admin

before(async () => {
  if (missing) return
  cluster = await startCluster()
  admin = new Admin({ clientId: 'test', bootstrapBrokers: [cluster.bootstrap] })
})

after(async () => {
  if (missing) return
  await admin.close()
  await cluster[Symbol.asyncDispose]()
})

async function kcat(args: readonly string[], input = ''): Promise<string> {
  const child = spawn('kcat', ['-b', cluster.bootstrap, ...args])
  let stdout = ''
  let stderr = ''
  child.stdout.on('data', (chunk) => {
    stdout += chunk
  })
  child.stderr.on('data', (chunk) => {
    stderr += chunk
  })
  child.stdin.end(input)
  const [code] = await once(child, 'close')
  assert.equal(code, 0, stderr)
  return stdout
}

const lines = (count: number) => Array.from({ length: count }, (_, index) => `line-${index}`)

describe('kcat', { skip: missing, timeout: 60_000 }, () => {
  for (const codec of ['none', 'gzip', 'snappy', 'lz4', 'zstd']) {
    it(`produces ${codec} batches that are stored compressed and read back`, async () => {
      const topic = unique('topic')
      await admin.createTopics({ topics: [topic], partitions: 1, replicas: 1 })
      const sent = lines(500)
      await kcat(['-P', '-t', topic, '-z', codec, '-X', 'enable.idempotence=true'], `${sent.join('\n')}\n`)
      const received = await kcat(['-C', '-t', topic, '-o', 'beginning', '-e', '-q', '-X', 'check.crcs=true'])
      assert.deepEqual(received.trim().split('\n'), sent)
    })
  }

  it('reads from an offset, from the end, and by timestamp', async () => {
    const topic = unique('topic')
    await admin.createTopics({ topics: [topic], partitions: 1, replicas: 1 })
    await kcat(['-P', '-t', topic], `${lines(10).join('\n')}\n`)
    const from = async (offset: string) =>
      (await kcat(['-C', '-t', topic, '-p', '0', '-o', offset, '-e', '-q'])).trim().split('\n')
    assert.deepEqual(await from('7'), ['line-7', 'line-8', 'line-9'])
    assert.deepEqual(await from('-2'), ['line-8', 'line-9'])
    assert.equal((await from('s@0')).length, 10)
  })

  it('consumes in a group and commits', async () => {
    const topic = unique('topic')
    const group = unique('group')
    await admin.createTopics({ topics: [topic], partitions: 3, replicas: 1 })
    await kcat(['-P', '-t', topic], `${lines(30).join('\n')}\n`)
    const first = await kcat(['-G', group, '-X', 'auto.offset.reset=earliest', '-e', '-q', topic])
    assert.equal(new Set(first.trim().split('\n')).size, 30)
    await kcat(['-P', '-t', topic], 'one more\n')
    const second = await kcat(['-G', group, '-X', 'auto.offset.reset=earliest', '-e', '-q', topic])
    assert.deepEqual(second.trim().split('\n'), ['one more'])
  })
})
