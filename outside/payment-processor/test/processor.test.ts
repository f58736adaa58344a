import assert from 'node:assert/strict'
import { once } from 'node:events'
import { appendFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { request as httpRequest } from 'node:http'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { runProcess, type Started, startProcess } from '@svyaz/stage/testing'

const main = fileURLToPath(new URL('../src/main.ts', import.meta.url))
const start = (directory: string, flags?: readonly string[]) => startProcess(main, directory, flags)
const run = (flags: readonly string[]) => runProcess(main, flags)

async function temporary(): Promise<AsyncDisposable & { path: string }> {
  const path = await mkdtemp(join(tmpdir(), 'payment-processor-'))
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) }
}

const body = (more: object = {}) => ({
  amountMinor: 1_500,
  currency: 'EUR',
  method: 'pm_ok',
  reference: 'order 1',
  ...more,
})

async function post(
  processor: Started,
  path: string,
  value: unknown,
  key?: string,
  headers: Record<string, string> = {},
) {
  const response = await fetch(processor.url + path, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      ...(key === undefined ? {} : { 'idempotency-key': key }),
      ...headers,
    },
    body: JSON.stringify(value),
  })
  return {
    status: response.status,
    headers: response.headers,
    body: (await response.json()) as Record<string, unknown>,
  }
}

const get = async (processor: Started, path: string) =>
  (await (await fetch(processor.url + path)).json()) as Record<string, unknown>
const ledgerOf = async (processor: Started) =>
  (await (await fetch(`${processor.url}/ledger`)).text())
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as { sequence: number; type: string; charge?: { key: string } })

test('charge, repeat, refund, void, totals and ledger over HTTP', async () => {
  await using directory = await temporary()
  await using processor = await start(directory.path)
  const first = await post(processor, '/charges', body(), 'charge:1')
  assert.deepEqual([first.status, first.body.status, first.body.key], [201, 'succeeded', 'charge:1'])
  const again = await post(processor, '/charges', body(), 'charge:1')
  assert.deepEqual([again.status, again.body], [201, first.body])
  assert.equal(again.headers.get('idempotency-replayed'), 'true')
  assert.equal((await post(processor, '/charges', body({ amountMinor: 1 }), 'charge:1')).status, 422)
  assert.equal((await post(processor, '/refunds', { chargeKey: 'charge:1', amountMinor: 500 }, 'refund:1')).status, 201)
  assert.equal(
    (await post(processor, '/refunds', { chargeKey: 'charge:1', amountMinor: 1_001 }, 'refund:2')).body.code,
    'refund_exceeds_charge',
  )
  assert.equal((await post(processor, '/voids', { key: 'charge:1' })).body.returnedMinor, 1_000)
  assert.equal((await post(processor, '/voids', { key: 'charge:late' })).body.status, 'voided')
  const late = await post(processor, '/charges', body(), 'charge:late')
  assert.deepEqual([late.status, late.body.code], [409, 'charge_voided'])
  assert.equal((await get(processor, '/charges/charge%3A1')).netMinor, 0)
  const totals = await get(processor, '/totals')
  assert.deepEqual(
    [totals.chargedMinor, totals.refundedMinor, totals.voidedMinor, totals.count],
    [1_500, 500, 1_000, 1],
  )
  assert.deepEqual(
    (await ledgerOf(processor)).map(({ sequence, type }) => [sequence, type]),
    [
      [1, 'charge'],
      [2, 'refund'],
      [3, 'void'],
      [4, 'void'],
    ],
  )
})

test('fifty concurrent requests with one key make one charge and get one answer', async () => {
  await using directory = await temporary()
  await using processor = await start(directory.path)
  const answers = await Promise.all(Array.from({ length: 50 }, () => post(processor, '/charges', body(), 'charge:c')))
  assert.equal(new Set(answers.map((answer) => JSON.stringify(answer.body))).size, 1)
  assert.equal(answers.filter((answer) => answer.headers.get('idempotency-replayed') === null).length, 1)
  assert.equal((await ledgerOf(processor)).length, 1)
})

test('kill -9 amid charges: what was answered is there, and each key keeps its answer', async () => {
  await using directory = await temporary()
  const acknowledged = new Map<string, unknown>()
  let next = 0
  for (let round = 1; round <= 3; round += 1) {
    const killed = await start(directory.path)
    const goal = acknowledged.size + 60
    const workers = Array.from({ length: 16 }, async () => {
      for (;;) {
        const key = `charge:${next++}`
        try {
          const answer = await post(killed, '/charges', body({ reference: key }), key)
          acknowledged.set(key, answer.body)
        } catch {
          return
        }
        if (acknowledged.size >= goal && killed.child.signalCode === null) killed.child.kill('SIGKILL')
      }
    })
    await Promise.all([...workers, once(killed.child, 'exit')])
  }
  assert.ok(acknowledged.size >= 180)
  // A crash of the machine could leave half a line; this file then gets one by hand.
  await appendFile(join(directory.path, 'ledger.ndjson'), '{"v":1,"sequence":99999,"type":"cha')
  await using processor = await start(directory.path)
  assert.ok(processor.logs.some((line) => line.includes('torn tail')))
  for (const [key, answer] of acknowledged) {
    const again = await post(processor, '/charges', body({ reference: key }), key)
    assert.deepEqual(again.body, answer)
    assert.equal(again.headers.get('idempotency-replayed'), 'true')
  }
  const charged = (await ledgerOf(processor)).map((entry) => entry.charge?.key)
  assert.equal(new Set(charged).size, charged.length, 'no key was charged twice')
})

test('a damaged line in the middle is refused, not skipped', async () => {
  await using directory = await temporary()
  {
    await using processor = await start(directory.path)
    await post(processor, '/charges', body(), 'charge:1')
    await post(processor, '/charges', body(), 'charge:2')
  }
  const path = join(directory.path, 'ledger.ndjson')
  await writeFile(path, (await readFile(path, 'utf8')).replace('1500', '1501'))
  const ended = await run(['--port', '0', '--data-dir', directory.path])
  assert.equal(ended.code, 1)
  assert.match(ended.stderr, /ledger\.ndjson: line 1 \(byte 0\) is damaged.*--accept-loss/)
})

test('a ledger that is gone is refused, and so is a damaged last entry; --accept-loss keeps what is good and ends', async () => {
  await using directory = await temporary()
  {
    await using processor = await start(directory.path)
    await post(processor, '/charges', body(), 'charge:1')
    await post(processor, '/charges', body(), 'charge:2')
  }
  const path = join(directory.path, 'ledger.ndjson')
  const whole = await readFile(path)
  await rm(path)
  const missing = await run(['--port', '0', '--data-dir', directory.path])
  assert.deepEqual([missing.code, /ledger\.ndjson is missing/.test(missing.stderr)], [1, true])
  const damaged = Buffer.from(whole)
  damaged[damaged.length - 20]! ^= 1
  await writeFile(path, damaged)
  const refused = await run(['--port', '0', '--data-dir', directory.path])
  assert.deepEqual([refused.code, /line 2 \(byte \d+\) is damaged/.test(refused.stderr)], [1, true])
  const accepted = await run(['--data-dir', directory.path, '--accept-loss'])
  assert.equal(accepted.code, 0)
  assert.match(accepted.stdout, /1 entries kept; from byte \d+ on \d+ bytes lost/)
  await using again = await start(directory.path)
  assert.equal((await ledgerOf(again)).length, 1)
})

test('pm_timeout_but_charged charges, its reply never comes, the repetition is answered at once', async () => {
  await using directory = await temporary()
  await using processor = await start(directory.path, ['--hang-ms', '200'])
  await assert.rejects(post(processor, '/charges', body({ method: 'pm_timeout_but_charged' }), 'charge:t'))
  assert.equal((await ledgerOf(processor)).length, 1)
  const again = await post(processor, '/charges', body({ method: 'pm_timeout_but_charged' }), 'charge:t')
  assert.deepEqual([again.status, again.body.status], [201, 'succeeded'])
  assert.equal((await ledgerOf(processor)).length, 1)
})

test('a void that arrives while pm_slow is under way wins', async () => {
  await using directory = await temporary()
  await using processor = await start(directory.path, ['--slow-ms', '400'])
  const slow = post(processor, '/charges', body({ method: 'pm_slow' }), 'charge:s')
  assert.equal((await post(processor, '/voids', { key: 'charge:s' })).body.returnedMinor, 0)
  assert.equal((await slow).status, 409)
  assert.equal((await get(processor, '/totals')).chargedMinor, 0)
})

test('faults: before and after the charge, counted, and over after count', async () => {
  await using directory = await temporary()
  await using processor = await start(directory.path, ['--hang-ms', '100'])
  await post(processor, '/faults', { mode: 'error500', count: 1 })
  assert.equal((await post(processor, '/charges', body(), 'charge:f')).status, 500)
  assert.equal((await ledgerOf(processor)).length, 0)
  assert.equal((await post(processor, '/charges', body(), 'charge:f')).status, 201)
  await post(processor, '/faults', { mode: 'error500', count: 1, when: 'after' })
  assert.equal((await post(processor, '/charges', body(), 'charge:g')).status, 500)
  assert.equal((await ledgerOf(processor)).length, 2)
  assert.equal((await post(processor, '/charges', body(), 'charge:g')).headers.get('idempotency-replayed'), 'true')
  await post(processor, '/faults', { mode: 'unavailable' })
  const away = await post(processor, '/charges', body(), 'charge:h')
  assert.deepEqual([away.status, away.headers.get('retry-after')], [503, '1'])
  assert.equal((await get(processor, '/faults')).fired, 1)
  await post(processor, '/faults', { mode: 'hang', count: 1 })
  await assert.rejects(post(processor, '/charges', body(), 'charge:h'))
  await post(processor, '/faults', { mode: 'ok' })
  assert.equal((await post(processor, '/charges', body(), 'charge:h')).status, 201)
})

/** fetch doesn't let a caller choose Host. */
function postWithHost(url: string, headers: Record<string, string>): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const request = httpRequest(
      url,
      { method: 'POST', headers: { 'content-type': 'application/json', ...headers } },
      (response) => {
        response.resume()
        resolve(response.statusCode)
      },
    )
    request.on('error', reject)
    request.end('{"mode":"ok"}')
  })
}

test('the fault control is refused under a foreign Host or Origin, and without JSON', async () => {
  await using directory = await temporary()
  await using processor = await start(directory.path)
  const url = `${processor.url}/faults`
  assert.equal(await postWithHost(url, { host: 'evil.example' }), 403)
  assert.equal(await postWithHost(url, { host: '127.0.0.1.evil.example' }), 403)
  assert.equal(await postWithHost(url, { origin: 'https://evil.example' }), 403)
  assert.equal(await postWithHost(url, { 'content-type': 'text/plain' }), 415)
  assert.equal(await postWithHost(url, { host: 'localhost:1' }), 200)
})

test('a body that nests too deep is refused as no JSON of ours', async () => {
  await using directory = await temporary()
  await using processor = await start(directory.path)
  for (const path of ['/charges', '/refunds', '/faults']) {
    const answer = await fetch(`${processor.url}${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'idempotency-key': 'k' },
      body: `{"reference":${'['.repeat(5_000)}${']'.repeat(5_000)}}`,
    })
    assert.deepEqual([answer.status, ((await answer.json()) as { code: string }).code], [400, 'malformed_json'])
  }
})

test('bad requests are refused with every fault named and leave nothing', async () => {
  await using directory = await temporary()
  await using processor = await start(directory.path)
  const faulty = await post(
    processor,
    '/charges',
    { amountMinor: 1.5, currency: 'eur', method: 'pm_ok', price: 3 },
    'k',
  )
  assert.equal(faulty.status, 422)
  assert.deepEqual(
    (faulty.body.errors as { pointer: string }[]).map((fault) => fault.pointer),
    ['/amountMinor', '/currency', '/reference', '/price'],
  )
  assert.equal((await post(processor, '/charges', body())).body.code, 'idempotency_key_required')
  assert.equal((await post(processor, '/charges', body({ method: 'cash' }), 'k')).body.code, 'unknown_method')
  assert.equal((await post(processor, '/charges', body({ reference: 'x'.repeat(70_000) }), 'k')).status, 413)
  assert.equal((await fetch(`${processor.url}/charges`, { method: 'DELETE' })).status, 405)
  assert.equal((await fetch(`${processor.url}/charges/none`)).status, 404)
  assert.equal((await ledgerOf(processor)).length, 0)
})

test('health, info and metrics', async () => {
  await using directory = await temporary()
  await using processor = await start(directory.path)
  assert.equal((await fetch(`${processor.url}/health/live`)).status, 200)
  assert.equal((await fetch(`${processor.url}/health/ready`)).status, 200)
  assert.equal((await get(processor, '/info')).service, 'payment-processor')
  await post(processor, '/charges', body(), 'k')
  assert.match(await (await fetch(`${processor.url}/metrics`)).text(), /^payment_processor_ledger_entries 1$/m)
})

test('wrong flags are all named and end with 2; a taken port is one sentence and ends with 1', async () => {
  const wrong = await run(['--port', 'x', '--slow', '1'])
  assert.equal(wrong.code, 2)
  assert.match(wrong.stderr, /--port must be/)
  assert.match(wrong.stderr, /unknown flag --slow/)
  await using directory = await temporary()
  const holder = createServer()
  holder.listen(0, '127.0.0.1')
  await once(holder, 'listening')
  const { port } = holder.address() as { port: number }
  const taken = await run(['--port', String(port), '--data-dir', directory.path])
  holder.close()
  assert.equal(taken.code, 1)
  assert.match(taken.stderr, new RegExp(`^payment-processor: port ${port} on 127.0.0.1 is taken`))
  assert.doesNotMatch(taken.stderr + taken.stdout, /\n\s+at /)
  assert.equal((await run(['--help'])).code, 0)
})

for (const signal of ['SIGTERM', 'SIGINT'] as const)
  test(`${signal} ends with 0, even while a reply hangs`, async () => {
    await using directory = await temporary()
    await using processor = await start(directory.path)
    const hanging = post(processor, '/charges', body({ method: 'pm_timeout_but_charged' }), 'k').catch(() => 'cut')
    while ((await ledgerOf(processor)).length === 0);
    processor.child.kill(signal)
    const [code] = await once(processor.child, 'exit')
    assert.equal(code, 0)
    assert.equal(await hanging, 'cut')
  })
