/**
 * What outside.yaml promises of a collector that stops, with a real OpenTelemetry Collector and without New Relic, which
 * nobody named: no line twice, none lost while the tool is away. Skipped where it isn't installed.
 */
import assert from 'node:assert/strict'
import { appendFileSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, type TestContext, test } from 'node:test'
import { until } from '../../lab/observe/until.ts'
import { startTestCollector, withoutCollector } from './engines/otel-collector.ts'
import { type Receiver, startReceiver } from './engines/otlp-receiver.ts'

/** A home with one service's log file, and a way to write a line of it. */
function homeWithLog(t: TestContext): { home: string; write: (message: string) => void } {
  const home = mkdtempSync(join(tmpdir(), 'svyaz-collector-'))
  t.after(() => rmSync(home, { recursive: true, force: true, maxRetries: 5 }))
  mkdirSync(join(home, 'logs'))
  return {
    home,
    write(msg) {
      const line = { time: new Date().toISOString(), level: 'info', service: 'orders', msg }
      appendFileSync(join(home, 'logs', 'orders.log'), `${JSON.stringify(line)}\n`)
    },
  }
}

/** How often a line was taken. */
const times = ({ got }: Receiver, message: string): number =>
  got.reduce((sum, { body }) => sum + body.toString('latin1').split(message).length - 1, 0)

/** With a tool for spans too, which gets none: where nothing takes spans the collector opens no port for them. */
const start = (home: string, { url }: Receiver) =>
  startTestCollector({ SVYAZ_HOME: home, LOGS_OTLP_URL: url, DATADOG_AGENT_OTLP_URL: url }, [
    'outside-logs.yaml',
    'outside-datadog.yaml',
  ])

describe('a collector that is started again', { skip: withoutCollector() }, () => {
  test('sends no line that was taken before', { timeout: 90_000 }, async (t) => {
    const { home, write } = homeWithLog(t)
    await using logs = await startReceiver()
    await using collector = await start(home, logs)
    write('the first line')
    await until('the first line', () => times(logs, 'the first line') > 0)
    await collector.restart()
    write('the second line')
    await until('the second line', () => times(logs, 'the second line') > 0)
    assert.deepEqual([times(logs, 'the first line'), times(logs, 'the second line')], [1, 1])
  })

  test('sends what its tool, which was away, had not taken', { timeout: 90_000 }, async (t) => {
    const { home, write } = homeWithLog(t)
    await using logs = await startReceiver()
    await using collector = await start(home, logs)
    logs.away(true)
    write('while it was away')
    await until('the tool to refuse it', () => logs.refused > 0)
    await collector.restart()
    logs.away(false)
    await until('the line', () => times(logs, 'while it was away') > 0)
    assert.equal(times(logs, 'while it was away'), 1)
  })
})
