import assert from 'node:assert/strict'
import { test } from 'node:test'
import { metricsOf, metricText } from './metrics-text.ts'

test('names, help and type once, then a line a sample, whatever its labels are', () => {
  const samples = [
    [{ group: 'a "b"\\\n', partition: 0 }, 7n],
    [{}, 0.5],
  ] as const
  assert.equal(
    metricText('lag', 'gauge', 'Records that wait.', samples),
    '# HELP lag Records that wait.\n# TYPE lag gauge\nlag{group="a \\"b\\"\\\\\\n",partition="0"} 7\nlag 0.5\n',
  )
})

test('those of a process begin with its name', () => {
  const { counter, gauge } = metricsOf('mail_sink')
  assert.equal(
    counter('received_total', 'Mails', 2) + gauge('mails', 'Shown', 1),
    '# HELP mail_sink_received_total Mails\n# TYPE mail_sink_received_total counter\nmail_sink_received_total 2\n' +
      '# HELP mail_sink_mails Shown\n# TYPE mail_sink_mails gauge\nmail_sink_mails 1\n',
  )
})
