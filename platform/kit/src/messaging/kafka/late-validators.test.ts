import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Ajv2020 } from 'ajv/dist/2020.js'
import { compileAtOnce } from './late-validators.ts'

test('while the client loads, a schema is compiled at its first use; errors are told as ever', () => {
  const ajv = new Ajv2020()
  const wrong = ajv.compile({ type: 'nonsense' })
  assert.throws(() => wrong({}), /schema is invalid/)
  const validate = ajv.compile({ type: 'object', required: ['topic'] })
  assert.equal(validate.errors, null)
  assert.equal(validate({}), false)
  assert.match(ajv.errorsText(validate.errors), /must have required property 'topic'/)
  assert.equal(validate({ topic: 't' }), true)
  assert.equal(validate.errors, null)
})

test('once the client is loaded, Ajv is as it was', async () => {
  const { Producer } = await import('./client.ts')
  assert.throws(() => new Ajv2020().compile({ type: 'nonsense' }), /schema is invalid/)
  // The client’s own validators still hold, where somebody wants them.
  assert.throws(
    () => new Producer({ clientId: 'c', bootstrapBrokers: [], strict: true, acks: 'some' as never }),
    /options/i,
  )
  compileAtOnce()
})
