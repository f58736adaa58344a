import assert from 'node:assert/strict'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { parseRelayFile, readRelayFile, settingsWith } from './config.ts'

const faultsOf = (text: string): string[] => {
  const read = parseRelayFile(text)
  return 'faults' in read ? read.faults : []
}

describe('config/relay.yaml', () => {
  test('the one that is shipped is right, and says the defaults', () => {
    const read = readRelayFile(join(import.meta.dirname, '..', '..', '..', 'config', 'relay.yaml'))
    assert.deepEqual(read, { values: { intervalSeconds: 10, inFlight: 1, payloadBytes: 0, messagesPerSecond: 0 } })
  })

  test('what is left out has its default', () => {
    assert.deepEqual(parseRelayFile(''), {
      values: { intervalSeconds: 10, inFlight: 1, payloadBytes: 0, messagesPerSecond: 0 },
    })
    assert.deepEqual(parseRelayFile('inFlight: 64'), {
      values: { intervalSeconds: 10, inFlight: 64, payloadBytes: 0, messagesPerSecond: 0 },
    })
  })

  test('every fault is named at once', () => {
    const faults = faultsOf('intervalSeconds: soon\ninFlight: 0\npayloadBytes: 1.5\nspeed: high\n')
    assert.deepEqual(faults.map((fault) => fault.split(':')[0]).sort(), [
      'inFlight',
      'intervalSeconds',
      'payloadBytes',
      'speed',
    ])
    assert.match(faults.join('\n'), /it is "soon"/)
  })

  test('what is not a list of settings is one fault', () => {
    for (const text of ['- 1\n- 2', 'fast', 'a: [', 'inFlight: 1\ninFlight: 2']) assert.equal(faultsOf(text).length, 1)
  })

  test('more than fits into memory is refused', () => {
    assert.match(faultsOf('inFlight: 16384\npayloadBytes: 32768')[0] ?? '', /^payloadBytes: /)
  })

  test('a file that is not there is a fault, unless nobody asked for one', () => {
    assert.deepEqual(Object.keys(readRelayFile('/nonexistent/my.yaml')), ['faults'])
    assert.deepEqual(Object.keys(readRelayFile('/nonexistent/config/relay.yaml')), ['values'])
  })

  test('its values are the defaults of the settings that the config service may change', () => {
    const settings = settingsWith({ intervalSeconds: 3, inFlight: 9, payloadBytes: 1, messagesPerSecond: 0 })
    assert.deepEqual(settings.parse({ inFlight: 2 }), {
      intervalSeconds: 3,
      inFlight: 2,
      payloadBytes: 1,
      messagesPerSecond: 0,
      controlOrigins: ['http://127.0.0.1:8090', 'http://localhost:8090'],
    })
  })
})
