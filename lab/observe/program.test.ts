/** What a program says of its options, and what it makes of them. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { helpOf, readProgram, UsageError } from './program.ts'

const program = {
  command: 'npm run bench:tea --',
  about: 'How long tea takes.',
  options: {
    rounds: { takes: 'n', range: { min: 1, max: 9 }, default: 3, about: 'pots in turn' },
    minutes: { takes: 'n', range: { min: 0.5, max: 10, fraction: true }, about: 'how long each draws' },
    leaf: { takes: 'name', default: 'green', about: 'what it is made of' },
    with: { takes: 'NAME=value', many: true, about: 'what else is in it' },
    keep: { about: 'keep the record' },
    inside: {},
  },
  positionals: { usage: '[cup …]', about: 'which cups', max: 2 },
  more: 'Exit status: 0.',
} as const

const read = (...args: string[]) => {
  const result = readProgram(program, args)
  assert.ok(!result.help)
  return result
}

test('defaults, numbers, names, lists and switches', () => {
  assert.deepEqual(read().values, {
    rounds: 3,
    minutes: undefined,
    leaf: 'green',
    with: [],
    keep: false,
    inside: false,
  })
  const { values, positionals } = read(
    'a',
    '--rounds',
    '9',
    '--minutes=0.5',
    '--with',
    'a=b',
    '--with',
    'c=d',
    '--keep',
    'b',
  )
  assert.deepEqual(values, { rounds: 9, minutes: 0.5, leaf: 'green', with: ['a=b', 'c=d'], keep: true, inside: false })
  assert.deepEqual(positionals, ['a', 'b'])
})

test('what is wrong is named, with what is right', () => {
  const wrong: [args: string[], says: RegExp][] = [
    [['--rounds', '0'], /^--rounds takes a whole number from 1 to 9, not "0"$/],
    [['--rounds', '1.5'], /whole number/],
    [['--rounds', '1e1'], /whole number/],
    [['--rounds', 'NaN'], /"NaN"/],
    [['--rounds='], /not ""/],
    [['--minutes', '10.1'], /^--minutes takes a number from 0.5 to 10, not "10.1"$/],
    [['--round', '1'], /^Unknown option '--round'$/],
    [['--leaf'], /--leaf/],
    [['--rounds', '-3'], /--rounds/],
    [['--keep=1'], /--keep/],
    [['a', 'b', 'c'], /"c" is too much: npm run bench:tea -- takes \[cup …\]/],
  ]
  for (const [args, says] of wrong)
    assert.throws(
      () => readProgram(program, args),
      (error) => error instanceof UsageError && says.test(error.message) && !error.message.includes('\n'),
      args.join(' '),
    )
})

test('the help has every option that has words, and wins over whatever else is there', () => {
  assert.deepEqual(readProgram(program, ['a', 'b', 'c', '--help']), { help: true })
  const help = helpOf(program)
  for (const [name, option] of Object.entries(program.options))
    assert.equal(help.includes(`--${name}`), 'about' in option, name)
  assert.match(help, /^ {2}npm run bench:tea -- \[cup …\] \[options\]$/m)
  assert.match(help, /^ {2}--rounds <n> {9}pots in turn \(1 to 9; default 3\)$/m)
})
