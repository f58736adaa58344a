import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { engineRows } from '../../system/src/engines/addresses.ts'

const home = mkdtempSync(join(tmpdir(), 'svyaz-engines-cli-'))
after(() => rmSync(home, { recursive: true, force: true }))
const svyaz = (args: readonly string[], env: Readonly<Record<string, string>>) =>
  spawnSync(process.execPath, [join(import.meta.dirname, '../src/main.ts'), ...args], {
    encoding: 'utf8',
    timeout: 60_000,
    env: { PATH: process.env.PATH, HOME: process.env.HOME, SVYAZ_HOME: home, ...env },
  })

test('up --engines without addresses names every one with an example, and ends with 2', () => {
  const { status, stderr } = svyaz(['up', '--engines'], {})
  assert.equal(status, 2, stderr)
  // Without SVYAZ_MESSAGES Kafka carries the events.
  const needed = engineRows.filter((row) => row.otherwise === undefined && (row.carries ?? 'kafka') === 'kafka')
  for (const row of needed) assert.ok(stderr.includes(`${row.variable}=${row.example}`), stderr)
})

test('make-topics says in a sentence that Kafka is not there, and ends with 1', () => {
  const { status, stderr } = svyaz(['make-topics'], { SVYAZ_KAFKA_BROKERS: '127.0.0.1:1' })
  assert.equal(status, 1, stderr)
  assert.match(stderr, /^svyaz: Kafka, SVYAZ_KAFKA_BROKERS: .+/)
})
