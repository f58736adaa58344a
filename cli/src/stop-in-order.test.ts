import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { type TestContext, test } from 'node:test'
import { until } from '@svyaz/observe/until.ts'

/**
 * `svyaz verify` as far as it proves: three rows, of which the second breaks something and waits for an order that never
 * ends. It mends in no time, or never.
 */
const program = (mends: boolean) => `
  const { verify, exitCodeOf } = await import(${url('../../lab/verify/verify.ts')})
  const { stopInOrder } = await import(${url('./stop-in-order.ts')})
  const say = (value) => process.stdout.write(JSON.stringify(value) + '\\n')
  const stopping = stopInOrder(() => process.exit(70), (error) => say(error.message))
  process.on('SIGUSR2', () => { throw new Error('nobody caught it') })
  const never = new Promise(() => {})
  setInterval(() => {}, 60_000)
  const good = { gather: async () => ({}), judge: () => [] }
  const breaking = {
    disturbs: true,
    judge: () => [],
    async gather(outside) {
      say('broken')
      try {
        await outside.untilFinal({ gateway: '', untilEnded: () => never }, 'an order')
      } finally {
        if (!${mends}) say('mending')
        await (${mends} ? undefined : never)
        say('mended')
      }
    },
  }
  const proofs = { A: good, B: breaking, C: { ...good, disturbs: true } }
  const rows = ['A', 'B', 'C'].map((id) => ({ id, what: id }))
  const findings = await verify(rows, { memo: new Map() }, { stopping, proofs })
  say(findings.map(({ id, verdict, stopped = false, reasons }) => [id, verdict, stopped, ...reasons]))
  process.exit(exitCodeOf(findings))
`
const url = (path: string): string => JSON.stringify(new URL(path, import.meta.url).href)

/** The program, and each line that it says. It ends with the test, however that ends. */
function started(t: TestContext, mends: boolean) {
  const child = spawn(process.execPath, ['--input-type=module', '-e', program(mends)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  t.after(() => child.kill('SIGKILL'))
  let said = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    said += text
  })
  const lines = (): unknown[] =>
    said
      .split('\n')
      .filter(Boolean)
      .map((line) => JSON.parse(line) as unknown)
  return { child, lines, ended: once(child, 'close') as Promise<[code: number | null]> }
}

test('SIGTERM: what is broken is mended, the rest is reported as not run, the exit code is not 0', async (t) => {
  const { child, lines, ended } = started(t, true)
  await until('a proof to have broken something', () => lines().includes('broken'))
  child.kill('SIGTERM')
  const [code] = await ended
  assert.equal(code, 2)
  assert.deepEqual(lines(), [
    'broken',
    'mended',
    [
      ['A', 'PASS', false],
      ['B', 'NOT RUN', true, 'stopped before it was done; what it had broken is brought back'],
      ['C', 'NOT RUN', true, 'stopped before it was begun'],
    ],
  ])
})

test('what nobody caught is said, and what is broken is mended all the same', async (t) => {
  const { child, lines, ended } = started(t, true)
  await until('a proof to have broken something', () => lines().includes('broken'))
  child.kill('SIGUSR2')
  assert.equal((await ended)[0], 2)
  assert.deepEqual(lines().slice(0, 3), ['broken', 'nobody caught it', 'mended'])
})

test('a second signal ends it at once, whatever is not mended', async (t) => {
  const { child, lines, ended } = started(t, false)
  await until('a proof to have broken something', () => lines().includes('broken'))
  child.kill('SIGTERM')
  await until('it to mend', () => lines().includes('mending'))
  await until('its end', () => {
    child.kill('SIGTERM')
    return child.exitCode !== null
  })
  assert.deepEqual(await ended, [70, null])
  assert.deepEqual(lines(), ['broken', 'mending'])
})
