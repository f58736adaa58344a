import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseCommandLine } from './command-line.ts'

test('defaults are local', () => {
  assert.deepEqual(parseCommandLine([]), {
    kind: 'run',
    commandLine: {
      port: 8500,
      dataDirectory: '.svyaz/discovery',
      host: '127.0.0.1',
      allowedHosts: [],
      nodeName: null,
      stopOnStdinEnd: false,
    },
  })
})

test('flags are taken in both spellings, and --allowed-host more than once', () => {
  const parsed = parseCommandLine(['--port=0', '--host', '0.0.0.0', '--allowed-host', 'a', '--allowed-host', 'b'])
  assert.equal(parsed.kind, 'run')
  const { commandLine } = parsed as Extract<typeof parsed, { kind: 'run' }>
  assert.equal(commandLine.port, 0)
  assert.deepEqual(commandLine.allowedHosts, ['a', 'b'])
})

test('every fault is named', () => {
  const args = ['--port', '99999', '--bogus', 'x', '--host', '', '--allowed-host', 'a:80']
  assert.deepEqual(parseCommandLine(args), {
    kind: 'faults',
    faults: [
      '--port must be a whole number from 0 to 65535, not "99999"',
      'unknown flag --bogus',
      '--host needs a value',
      '--allowed-host must be a name without port, not "a:80"',
    ],
  })
})
