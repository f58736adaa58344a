import assert from 'node:assert/strict'
import { test } from 'node:test'
import { NotPrepared, notTried } from './outcome.ts'

test('a step that failed is named with the last line that says something', () => {
  const output = 'go: downloading x v1\ngo: y@v2: reading https://proxy/y: 403 Forbidden\n\n'
  const { message } = new NotPrepared('images/go.sh', output, '/place/images-go-sh.log')
  assert.equal(message, 'images/go.sh: go: y@v2: reading https://proxy/y: 403 Forbidden (/place/images-go-sh.log)')
  assert.match(new NotPrepared('npm ci', '\n', '/log').message, /^npm ci: it failed without a word/)
})

test('what cannot be tried is skipped, and fails only where containers are required', () => {
  assert.deepEqual(notTried('no dockerd', false), {
    text: 'containers are not tried here: no dockerd\n0 passed, 0 failed, 1 skipped\n',
    status: 0,
  })
  assert.deepEqual(notTried('no dockerd', true), {
    text: 'containers are not tried here: no dockerd\n0 passed, 1 failed\n',
    status: 1,
  })
})
