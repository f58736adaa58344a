import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { goodRequests } from './good-requests.ts'

test('there is a good request for each operation of the document, and for no other', () => {
  const file = join(import.meta.dirname, '..', '..', 'contracts', 'generated', 'openapi.json')
  const { paths } = JSON.parse(readFileSync(file, 'utf8')) as { paths: Record<string, object> }
  const operations = Object.entries(paths).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
  )
  assert.deepEqual(Object.keys(goodRequests).sort(), operations.sort())
})
