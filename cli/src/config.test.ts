import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readConfig } from './config.ts'

test('processes get the address of the user’s collector of traces, but not the word for our own', () => {
  const passed = (url: string) => readConfig({ SVYAZ_OTLP_URL: url, SVYAZ_LOG_LEVEL: 'debug' }, '/').passed
  assert.deepEqual(passed('http://127.0.0.1:4318'), {
    SVYAZ_LOG_LEVEL: 'debug',
    SVYAZ_OTLP_URL: 'http://127.0.0.1:4318',
  })
  assert.deepEqual(passed('embedded'), { SVYAZ_LOG_LEVEL: 'debug' })
  assert.deepEqual(passed(''), { SVYAZ_LOG_LEVEL: 'debug' })
})
