import assert from 'node:assert/strict'
import { test } from 'node:test'
import { reached, tokensIn } from './browser.ts'

const opaque = `svya_${'aB3-_'.repeat(8)}`
const jwt = `eyJhbGciOiJFZERTQSJ9.eyJzdWIiOiIwMSJ9.${'x'.repeat(86)}`

test('a token is found wherever it is', () => {
  for (const text of [
    `Bearer ${opaque}`,
    JSON.stringify({ user: { session: opaque } }),
    `set-cookie: token=${opaque}; HttpOnly`,
    `<script>window.state={t:"${jwt}"}</script>`,
    `/api/live?access=${jwt}`,
    JSON.stringify({ refreshToken: 'an opaque thing of another server' }),
  ])
    assert.notDeepEqual(tokensIn(text), [], text)
})

test('words about tokens are not tokens, and neither is what is kept of one', () => {
  assert.deepEqual(tokensIn('the accessToken is sent as Bearer; csrf: "kX9"'), [])
  const { tokens } = reached('/', `"${opaque}"`)
  assert.deepEqual(tokens.length, 1)
  assert.deepEqual(tokensIn(tokens.join()), [])
})
