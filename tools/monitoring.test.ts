import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { test } from 'node:test'

test('rules and dashboards are as their lists say', () => {
  const told = execFileSync(process.execPath, [join(import.meta.dirname, 'monitoring.ts'), '--check'], {
    encoding: 'utf8',
  })
  assert.match(told, /files are as the lists say/)
})
