import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { readCommandLine } from './command-line.ts'

describe('the command line', () => {
  it('has defaults for everything', () => {
    const read = readCommandLine([])
    assert.equal(read.kind, 'run')
    assert.deepEqual(read.kind === 'run' && read.settings, {
      host: '127.0.0.1',
      port: 9092,
      dataDirectory: './svyaz-broker-data',
      advertisedHost: null,
      advertisedPort: null,
      managementPort: null,
      partitions: 6,
      autoCreateTopics: true,
      acceptLoss: false,
      stopOnStdinEnd: false,
      verbose: false,
    })
  })

  it('takes flags in both forms', () => {
    const read = readCommandLine(['--port=0', '--partitions', '3', '--no-auto-create'])
    assert.equal(read.kind, 'run')
    const settings = read.kind === 'run' ? read.settings : null
    assert.deepEqual([settings?.port, settings?.partitions, settings?.autoCreateTopics], [0, 3, false])
  })

  it('names every fault', () => {
    const wrong = ['stray', '--port', '70000', '--partitions=none', '--verbose=yes', '--fast', '--host']
    const read = readCommandLine(wrong)
    assert.equal(read.kind, 'wrong')
    assert.equal(read.kind === 'wrong' && read.faults.length, 6)
  })

  it('helps whatever else is said', () => {
    assert.equal(readCommandLine(['--fast', '--help']).kind, 'help')
  })
})
