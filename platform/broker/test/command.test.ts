/** The command itself: flags, faults, health and metrics, and what it makes of hostile clients. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { Admin } from '@platformatic/kafka'
import { BrokerProcess, ownBrokerOnly, until } from './cluster.ts'

const COMMAND = fileURLToPath(new URL('../bin/svyaz-broker.js', import.meta.url))

async function run(...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  const child = spawn(process.execPath, [COMMAND, ...args])
  let stdout = ''
  let stderr = ''
  child.stdout.on('data', (chunk) => {
    stdout += chunk
  })
  child.stderr.on('data', (chunk) => {
    stderr += chunk
  })
  const [code] = await once(child, 'close')
  return { code, stdout, stderr }
}

describe('svyaz-broker', { skip: ownBrokerOnly, timeout: 60_000 }, () => {
  it('helps', async () => {
    const { code, stdout } = await run('--help')
    assert.equal(code, 0)
    for (const flag of ['--port', '--data-dir', '--advertised-port', '--management-port', '--partitions']) {
      assert.ok(stdout.includes(flag))
    }
  })

  it('names every wrong flag and ends with 2', async () => {
    const { code, stderr } = await run('--port', 'many', '--partitions', '0', '--colour', 'red', 'stray')
    assert.equal(code, 2)
    for (const fault of ['--port', '--partitions', '--colour', '"stray"']) assert.ok(stderr.includes(fault), fault)
  })

  it('names the flag when a port is taken or the data is in use, without a stack', async () => {
    await using broker = await BrokerProcess.start()
    const samePort = await run('--port', String(broker.port), '--data-dir', `${broker.directory}/other`)
    assert.equal(samePort.code, 1)
    assert.match(samePort.stderr, /^svyaz-broker: --port: 127\.0\.0\.1:\d+ is taken by another process\n$/)
    const sameData = await run('--port', '0', '--data-dir', `${broker.directory}/data`)
    assert.equal(sameData.code, 1)
    assert.match(sameData.stderr, /^svyaz-broker: --data-dir: [^\n]+\n$/)
    const sameManagement = await run(
      ...['--port', '0', '--data-dir', `${broker.directory}/third`],
      ...['--management-port', String(broker.managementPort)],
    )
    assert.equal(sameManagement.code, 1)
    assert.match(sameManagement.stderr, /^svyaz-broker: --management-port: /)
  })

  it('ends at once when its data is damaged, whoever connected meanwhile and however long standard input stays', {
    timeout: 20_000,
  }, async () => {
    await using broker = await BrokerProcess.start()
    const { directory, port } = broker
    await broker.stop()
    await writeFile(`${directory}/data/checkpoint`, 'no checkpoint at all')
    const child = spawn(process.execPath, [
      ...[COMMAND, '--port', String(port), '--data-dir', `${directory}/data`, '--stop-on-stdin-end'],
    ])
    child.stdout.resume()
    let stderr = ''
    child.stderr.on('data', (chunk) => {
      stderr += chunk
    })
    let ended = false
    const closed = once(child, 'close').then(([code]) => {
      ended = true
      return code
    })
    // Clients that want in, as those of a running system do.
    while (!ended) {
      const client = connect(port, '127.0.0.1')
      client.on('error', () => undefined)
      await Promise.race([new Promise((resolve) => client.once('close', resolve)), closed])
    }
    assert.equal(await closed, 1)
    assert.match(stderr, /^svyaz-broker: --data-dir: /)
  })

  it('ends when standard input ends, if told so', async () => {
    await using broker = await BrokerProcess.start()
    const { code, stdout } = await new Promise<{ code: number; stdout: string }>((resolve) => {
      const child = spawn(
        process.execPath,
        [COMMAND, '--port', '0', '--data-dir', `${broker.directory}/other`, '--stop-on-stdin-end'],
        { stdio: ['pipe', 'pipe', 'inherit'] },
      )
      let stdout = ''
      child.stdout.on('data', (chunk) => {
        stdout += chunk
        if (stdout.includes('listening')) child.stdin.end()
      })
      child.on('close', (code) => resolve({ code: code as number, stdout }))
    })
    assert.equal(code, 0)
    assert.ok(stdout.includes('standard input ended'))
  })

  it('tells clients the advertised address', async () => {
    await using broker = await BrokerProcess.start('--advertised-host', 'localhost', '--advertised-port', '12345')
    const info = (await (await fetch(`http://127.0.0.1:${broker.managementPort}/info`)).json()) as Record<
      string,
      unknown
    >
    assert.deepEqual(info.advertised, { host: 'localhost', port: 12_345 })
    assert.equal(info.name, 'svyaz-broker')
  })

  it('answers health and metrics, and nothing else', async () => {
    await using broker = await BrokerProcess.start()
    const admin = new Admin({ clientId: 'a', bootstrapBrokers: [broker.bootstrap] })
    await admin.createTopics({ topics: ['orders'], partitions: 2, replicas: 1 })
    await admin.close()
    const get = (path: string, method = 'GET') => fetch(`http://127.0.0.1:${broker.managementPort}${path}`, { method })
    assert.equal((await get('/health/live')).status, 200)
    assert.equal((await get('/health/ready')).status, 200)
    assert.equal((await get('/nothing')).status, 404)
    assert.equal((await get('/info', 'POST')).status, 405)
    const metrics = await (await get('/metrics')).text()
    assert.match(metrics, /^svyaz_broker_requests_total\{api="CreateTopics"\} 1$/m)
    assert.match(metrics, /^svyaz_broker_partition_end_offset\{topic="orders",partition="1"\} 0$/m)
    for (const line of metrics.trim().split('\n')) {
      assert.match(line, /^(# (HELP|TYPE) \S+ .+|[a-z_]+(\{[^}]*\})? -?[0-9.e+-]+)$/)
    }
  })
})

describe('the management page', { skip: ownBrokerOnly, timeout: 60_000 }, () => {
  it('survives targets that no URL can be made of, CONNECT and resets', async () => {
    await using broker = await BrokerProcess.start()
    const { managementPort } = broker
    for (const [head, status] of [
      ['GET //', 404],
      ['GET *', 404],
      ['GET \\\\', 400],
      ['GET /__proto__', 404],
      [`GET /${'a'.repeat(10_000)}`, 414],
      ['CONNECT a:1', 405],
    ] as const) {
      const bytes = Buffer.from(`${head} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`)
      assert.equal(String(await exchange(managementPort, bytes)).split(' ')[1], String(status), head.slice(0, 20))
      const socket = connect(managementPort, '127.0.0.1')
      socket.on('error', () => undefined)
      socket.write(bytes)
      await once(socket, 'data')
      socket.resetAndDestroy()
    }
    const rebound = Buffer.from('GET /info HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n')
    assert.match(String(await exchange(managementPort, rebound)), /^HTTP\/1\.1 403 /)
    assert.equal((await fetch(`http://127.0.0.1:${managementPort}/health/live`)).status, 200)
  })
})

/** Sends bytes and gives what comes back until the broker closes. */
async function exchange(port: number, bytes: Buffer): Promise<Buffer> {
  const socket = connect(port, '127.0.0.1')
  const chunks: Buffer[] = []
  socket.on('data', (chunk) => chunks.push(chunk))
  socket.on('error', () => {})
  socket.write(bytes)
  await once(socket, 'close')
  return Buffer.concat(chunks)
}

function framed(...parts: (Buffer | number[])[]): Buffer {
  const body = Buffer.concat(parts.map((part) => Buffer.from(part)))
  const length = Buffer.alloc(4)
  length.writeInt32BE(body.length)
  return Buffer.concat([length, body])
}

const hostile: readonly { readonly what: string; readonly bytes: Buffer; readonly rule: string }[] = [
  { what: 'a web browser', bytes: Buffer.from('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n'), rule: 'frame size' },
  { what: 'a TLS handshake', bytes: Buffer.from('16030100c5010000c10303', 'hex'), rule: 'frame size' },
  { what: 'a negative length', bytes: Buffer.from('ffffffff', 'hex'), rule: 'frame size' },
  { what: 'an empty frame', bytes: framed([]), rule: 'malformed request' },
  { what: 'an unknown API', bytes: framed([0x7f, 0, 0, 0, 0, 0, 0, 1, 0xff, 0xff]), rule: 'malformed request' },
  { what: 'Produce 0', bytes: framed([0, 0, 0, 0, 0, 0, 0, 1, 0xff, 0xff]), rule: 'malformed request' },
  {
    what: 'an array of two thousand million topics',
    bytes: framed([0, 3, 0, 1, 0, 0, 0, 1, 0xff, 0xff, 0x7f, 0xff, 0xff, 0xff]),
    rule: 'malformed request',
  },
  { what: 'a request cut short', bytes: framed([0, 3, 0, 1, 0, 0, 0, 1, 0, 9, 65]), rule: 'malformed request' },
]

describe('a hostile client', { skip: ownBrokerOnly, timeout: 60_000 }, () => {
  for (const { what, bytes, rule } of hostile) {
    it(`that sends ${what} is closed with a logged reason, and others are served`, async () => {
      await using broker = await BrokerProcess.start()
      assert.equal((await exchange(broker.port, bytes)).length, 0)
      await until('the reason', () => broker.lines.some((line) => line.rule === rule))
      const admin = new Admin({ clientId: 'a', bootstrapBrokers: [broker.bootstrap] })
      assert.deepEqual(await admin.listTopics(), [])
      await admin.close()
    })
  }
})

describe('ApiVersions', { skip: ownBrokerOnly, timeout: 60_000 }, () => {
  it('of an unknown version is answered in version 0 with the list, and its body is not read', async () => {
    await using broker = await BrokerProcess.start()
    const socket = connect(broker.port, '127.0.0.1')
    socket.write(framed([0, 18, 0, 9, 0, 0, 0, 77], Buffer.from('nothing that anybody could decode')))
    const [answer] = (await once(socket, 'data')) as [Buffer]
    socket.destroy()
    assert.equal(answer.readInt32BE(0), answer.length - 4)
    assert.equal(answer.readInt32BE(4), 77)
    assert.equal(answer.readInt16BE(8), 35)
    const count = answer.readInt32BE(10)
    assert.equal(answer.length, 14 + count * 6)
    const produce = answer.subarray(14, 20)
    assert.deepEqual([...produce], [0, 0, 0, 0, 0, 11])
  })
})
