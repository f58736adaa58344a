/** The script for bash is run by bash itself; those for zsh and fish are run where these shells are. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { test } from 'node:test'
import type { Invocation } from './command.ts'
import { commands } from './commands.ts'
import { completion } from './completion.ts'

async function script(shell: string): Promise<string> {
  let text = ''
  const print = (line: string) => {
    text += line
  }
  const terminal = { print } as unknown as Invocation['terminal']
  const config = {} as Invocation['config']
  assert.equal(await completion({ positionals: [shell], flags: {}, rest: [], config, terminal }, commands), 0)
  return text
}

const has = (shell: string): boolean => spawnSync(shell, ['-c', 'true']).status === 0

/** What bash would offer behind these words. */
function offered(source: string, ...words: string[]): string[] {
  const quoted = ['svyaz', ...words].map((word) => `'${word}'`).join(' ')
  const probe = `${source}\nCOMP_WORDS=(${quoted}); COMP_CWORD=${words.length}; _svyaz; printf '%s\\n' "\${COMPREPLY[@]}"`
  const { stdout, stderr } = spawnSync('bash', ['-c', probe], { encoding: 'utf8' })
  assert.equal(stderr, '')
  return stdout
    .split('\n')
    .map((word) => word.trim())
    .filter(Boolean)
}

test('bash offers commands, actions, names of services, topics and databases, and flags', {
  skip: !has('bash'),
}, async () => {
  const bash = await script('bash')
  assert.deepEqual(offered(bash, 'do'), ['down', 'doctor'])
  assert.deepEqual(offered(bash, 'dlq', 'l'), ['list'])
  assert.deepEqual(offered(bash, 'dlq', 'replay', 'orders.events.'), ['orders.events.dlq'])
  assert.deepEqual(offered(bash, 'topics', 'payments.t'), ['payments.tasks', 'payments.tasks.dlq'])
  assert.deepEqual(offered(bash, 'config', 'set', 'no'), ['notifications'])
  assert.deepEqual(offered(bash, 'db', 'inv'), ['inventory'])
  assert.deepEqual(offered(bash, 'kill', 'payments-'), ['payments-1', 'payments-2'])
  assert.deepEqual(offered(bash, 'scale', 'ord'), ['orders='])
  assert.deepEqual(offered(bash, 'dlq', 'replay', '--dry'), ['--dry-run'])
  assert.ok(!offered(bash, 'db', '').includes('gateway'), 'it has no database')
})

for (const shell of ['zsh', 'fish']) {
  test(`${shell} can read its script`, { skip: !has(shell) && `${shell} is not here` }, async () => {
    const { status, stderr } = spawnSync(shell, ['-n'], { input: await script(shell), encoding: 'utf8' })
    assert.equal(status, 0, stderr)
  })
}

test('the scripts name every command', async () => {
  for (const shell of ['bash', 'zsh', 'fish']) {
    const text = await script(shell)
    for (const { name } of commands) assert.match(text, new RegExp(`\\b${name}\\b`), `${shell} ${name}`)
  }
})
