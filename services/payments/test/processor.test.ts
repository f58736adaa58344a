/** The client of the payment processor against the real one: definite answers are results, everything else is unclear. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { startPaymentProcessor } from '../../../outside/payment-processor/src/index.ts'
import { testCore } from '../../../platform/kit/test/core-fixture.ts'
import { settings } from '../src/config.ts'
import { type Processor, processorClient } from '../src/processor.ts'
import type { Lease, PaymentsContext } from '../src/storage.ts'

const closing = new AsyncDisposableStack()
let url: string
before(async () => {
  const directory = mkdtempSync(join(tmpdir(), 'svyaz-processor-'))
  closing.defer(() => rmSync(directory, { recursive: true, force: true }))
  url = closing.use(await startPaymentProcessor({ directory, slowMs: 5_000 })).url
})
after(() => closing.disposeAsync())

const clientOf = (address: string, given: object = {}): Processor => {
  const current = settings.parse(given)
  const context = { ...testCore(), environment: { SVYAZ_PROCESSOR_URL: address }, settings: { current: () => current } }
  const processor = processorClient(context as unknown as PaymentsContext)
  closing.defer(() => processor.close())
  return processor
}

const lease = (orderId: string, method: string, call: Lease['call'] = 'charge') =>
  ({ payment: { orderId, method, amountMinor: 1_000 }, call }) as unknown as Lease

test('a charge succeeds once however often it is asked, and is undone', async () => {
  const processor = clientOf(url)
  const charged = await processor.ask(lease('o1', 'pm_ok'))
  assert.equal(charged.type, 'charged')
  assert.deepEqual(await processor.ask(lease('o1', 'pm_ok')), charged)
  assert.deepEqual(await processor.ask(lease('o1', 'pm_ok', 'refund')), { type: 'refunded' })
  assert.equal((await processor.ask(lease('o2', 'pm_declined'))).type, 'declined')
  assert.deepEqual(await processor.ask(lease('o3', 'pm_ok', 'void')), { type: 'voided' })
  assert.deepEqual(await processor.ask(lease('o3', 'pm_ok')), { type: 'voided' })
})

test('no answer in time, and nobody there, are unclear', async () => {
  const unclear = /gave no answer/
  await assert.rejects(clientOf(url, { processorTimeoutMs: 200 }).ask(lease('o4', 'pm_slow')), unclear)
  await assert.rejects(clientOf('http://127.0.0.1:1').ask(lease('o5', 'pm_ok')), unclear)
})
