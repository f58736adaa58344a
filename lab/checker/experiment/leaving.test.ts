import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { until } from '@svyaz/observe/until.ts'

/**
 * An experiment that is stopping a part, which takes until the file `let-go` is there, and says something all the while. What
 * is done to the part is appended to the file `done`.
 */
const program = (sameSignalMs: number) => `
  import { appendFileSync, existsSync } from 'node:fs'
  import { setTimeout as delay } from 'node:timers/promises'
  const { leaveInOrder } = await import(${url('./leaving.ts')})
  const { BreakAndMend } = await import(${url('./sequence.ts')})
  const done = (what) => appendFileSync('done', what + '\\n')
  const say = (value) => process.stdout.write(JSON.stringify(value) + '\\n')
  const sequence = new BreakAndMend()
  const mend = () => sequence.mend(async () => {
    for (let said = 0; said < 5; said++) {
      say('mending')
      await delay(10)
    }
    done('started again')
  })
  const leaving = leaveInOrder(mend, (error) => done('failed: ' + error.message), ${sameSignalMs})
  leaving.stopping.addEventListener('abort', () => done('asked to end'))
  const broken = sequence.begin(async () => {
    done('stopping')
    while (!existsSync('let-go')) await delay(5)
    done('stopped')
  })
  process.once('SIGUSR2', () => { throw new Error('nobody caught it') })
  setInterval(() => say('counts'), 5)
  await broken
  await leaving.over(0)
`

function url(path: string): string {
  return JSON.stringify(new URL(path, import.meta.url).href)
}

/** The program once it is stopping the part; it ends with the test, however that ends. */
async function started(t: TestContext, sameSignalMs = 60_000) {
  const folder = mkdtempSync(join(tmpdir(), 'svyaz-leaving-'))
  const child = spawn(process.execPath, ['--input-type=module', '-e', program(sameSignalMs)], {
    cwd: folder,
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  const ended = once(child, 'exit') as Promise<[code: number | null, signal: string | null]>
  t.after(() => {
    child.kill('SIGKILL')
    rmSync(folder, { recursive: true, force: true, maxRetries: 3 })
  })
  // A program that has gone breaks the pipe.
  child.stdin.on('error', () => undefined)
  child.stdout.resume()
  const done = () => readFileSync(join(folder, 'done'), 'utf8').trim().split('\n')
  await until('a part to be stopping', () => done().includes('stopping'))
  return { child, done, ended, letGo: () => writeFileSync(join(folder, 'let-go'), '') }
}

const mended = ['stopping', 'asked to end', 'stopped', 'started again']

test('whoever listened is gone, both pipes with it: the part that is being stopped is started again', async (t) => {
  const { child, done, ended, letGo } = await started(t)
  child.stdout.destroy()
  child.stdin.destroy()
  await until('it to know', () => done().includes('asked to end'))
  letGo()
  assert.deepEqual(await ended, [1, null])
  assert.deepEqual(done(), mended)
})

test('nobody reads what it says any more: that is the end too, in order', async (t) => {
  const { child, done, ended, letGo } = await started(t)
  child.stdout.destroy()
  await until('it to know', () => done().includes('asked to end') || child.exitCode !== null)
  letGo()
  assert.deepEqual(await ended, [1, null])
  assert.deepEqual(done(), mended)
})

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
  test(`${signal} ends it in order`, async (t) => {
    const { child, done, ended, letGo } = await started(t)
    child.kill(signal)
    await until('it to know', () => done().includes('asked to end') || child.signalCode !== null)
    letGo()
    assert.deepEqual(await ended, [1, null])
    assert.deepEqual(done(), mended)
  })

test('two people ask at once: the second signal is the first one again, and it ends in order', async (t) => {
  const { child, done, ended, letGo } = await started(t)
  child.kill('SIGTERM')
  await until('it to know', () => done().includes('asked to end'))
  child.kill('SIGTERM')
  letGo()
  assert.deepEqual(await ended, [1, null])
  assert.deepEqual(done(), mended)
})

test('a signal that comes later ends it at once, whatever is not mended', async (t) => {
  const { child, done, ended } = await started(t, -1)
  child.kill('SIGTERM')
  await until('it to know', () => done().includes('asked to end'))
  child.kill('SIGTERM')
  assert.deepEqual(await ended, [1, null])
  assert.deepEqual(done(), mended.slice(0, 2))
})

test('what nobody caught is said, and doesn’t end it before it has mended', async (t) => {
  const { child, done, ended, letGo } = await started(t)
  child.kill('SIGUSR2')
  await until('it to know', () => done().includes('asked to end') || child.exitCode !== null)
  letGo()
  assert.deepEqual(await ended, [1, null])
  assert.deepEqual(done(), ['stopping', 'failed: nobody caught it', ...mended.slice(1)])
})

test('a line on its input: no further fault, and the experiment ends by itself', async (t) => {
  const { child, done, ended, letGo } = await started(t)
  child.stdin.write('stop\n')
  await until('it to know', () => done().includes('asked to end'))
  letGo()
  assert.deepEqual(await ended, [0, null])
  assert.deepEqual(done(), ['stopping', 'asked to end', 'stopped'])
})
