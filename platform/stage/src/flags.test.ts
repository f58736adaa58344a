import assert from 'node:assert/strict'
import { test } from 'node:test'
import { helpText, parseFlags, portFlag } from './flags.ts'

const table = {
  port: portFlag('where to listen', 8080),
  'data-dir': { kind: 'text', about: 'where data lives', default: '.data' },
  'allow-host': { kind: 'list', about: 'a host name to answer to', default: [] },
  name: { kind: 'text', about: 'its own name', default: null },
  names: { kind: 'list', about: 'names', default: [], each: { form: /^[a-z]+$/, what: 'small letters' } },
  help: { kind: 'switch', about: 'shows this', default: false },
} as const

test('defaults stand where nothing is said', () => {
  const { values, faults } = parseFlags(table, [])
  assert.deepEqual(faults, [])
  assert.deepEqual(values, { port: 8080, 'data-dir': '.data', 'allow-host': [], name: null, names: [], help: false })
})

test('both ways of giving a value are read, lists collect', () => {
  const { values, faults } = parseFlags(table, ['--port=0', '--data-dir', '/d', '--allow-host', 'a', '--allow-host=b'])
  assert.deepEqual(faults, [])
  assert.deepEqual(values, { port: 0, 'data-dir': '/d', 'allow-host': ['a', 'b'], name: null, names: [], help: false })
})

test('every fault is named at once', () => {
  const { faults } = parseFlags(table, ['--port', '70000', '--prot', '1', 'stray', '--help=yes', '--data-dir'])
  assert.deepEqual(faults, [
    '--port must be a whole number from 0 to 65535, not "70000"',
    'unknown flag --prot',
    'unexpected argument "stray"',
    '--help takes no value',
    '--data-dir needs a value',
  ])
})

test('what is given twice, and what has the wrong form, is a fault', () => {
  const { faults } = parseFlags(table, ['--port', '1', '--port', '2', '--names', 'ok', '--names', 'NO'])
  assert.deepEqual(faults, ['--port is given twice', '--names must be small letters, not "NO"'])
})

test('a name of the object prototype is not a flag', () => {
  assert.deepEqual(parseFlags(table, ['--constructor', '1']).faults, ['unknown flag --constructor'])
})

test('help lists every flag', () => {
  const text = helpText('x', 'does x', table)
  for (const name of Object.keys(table)) assert.match(text, new RegExp(`--${name}`))
})
