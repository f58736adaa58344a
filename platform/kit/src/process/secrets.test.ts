import assert from 'node:assert/strict'
import { test } from 'node:test'
import { withoutSecrets } from './secrets.ts'

test('secrets are replaced at the top and one level below, in a copy', () => {
  const fields = { user: 'ada', token: 'svya_1', headers: { authorization: 'Bearer x', accept: '*/*' } }
  assert.deepEqual(withoutSecrets(fields), {
    user: 'ada',
    token: '[redacted]',
    headers: { authorization: '[redacted]', accept: '*/*' },
  })
  assert.equal(fields.token, 'svya_1')
  assert.equal(fields.headers.authorization, 'Bearer x')
})

test('a line without secrets is the same object', () => {
  const fields = { method: 'GET', status: 200, upstream: { id: 'orders-1' }, nothing: null, absent: undefined }
  assert.equal(withoutSecrets(fields), fields)
})

test('an error keeps its kind, message and stack; a secret on it is replaced', () => {
  const error = Object.assign(new TypeError('broke'), { password: 'correct horse', code: 'E1' })
  const { err } = withoutSecrets({ err: error }) as { err: typeof error }
  assert.ok(err instanceof TypeError)
  assert.deepEqual([err.message, err.stack, err.password, err.code], ['broke', error.stack, '[redacted]', 'E1'])
  assert.equal(error.password, 'correct horse')
})
