import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { buildElsewhere } from './build-elsewhere.ts'

const order = { root: '/', directory: '/', recipe: '', entries: [], placed: [] }

/** A process that does this when it is asked. */
function processThat(does: string) {
  const folder = mkdtempSync(join(tmpdir(), 'svyaz-build-'))
  const script = join(folder, 'script.mjs')
  writeFileSync(
    script,
    `import { writeFileSync } from 'node:fs'\nconst folder = ${JSON.stringify(folder)}\nprocess.once('message', (order) => {${does}})`,
  )
  return { script, pidFile: join(folder, 'pid') }
}

test('the death of the process that builds is told, with what it said last', async () => {
  const { script } = processThat(`process.stderr.write('out of memory', () => process.kill(process.pid, 'SIGKILL'))`)
  await assert.rejects(buildElsewhere(order, { script }), {
    name: 'SupervisorError',
    message: 'the process that bundles was ended by SIGKILL: out of memory',
  })
  const { script: throws } = processThat(`throw new Error('no luck')`)
  await assert.rejects(buildElsewhere(order, { script: throws }), /ended with exit code 1: .*no luck/s)
})

test('one that hangs is ended at its deadline, and one that nobody waits for any more at once', async () => {
  const hangs = `writeFileSync(folder + '/pid', String(process.pid)); for (;;);`
  const late = processThat(hangs)
  await assert.rejects(
    buildElsewhere(order, { script: late.script, timeoutMs: 2_000 }),
    /bundling was not done after 2 s, and was given up/,
  )
  assert.throws(() => process.kill(Number(readFileSync(late.pidFile, 'utf8')), 0), { code: 'ESRCH' })

  const ended = new AbortController()
  const waiting = buildElsewhere(order, { script: processThat(hangs).script, signal: ended.signal })
  ended.abort()
  await assert.rejects(waiting, /was ended by SIGKILL/)
})

test('what builds is not loaded by who asks for a bundle', () => {
  const folder = mkdtempSync(join(tmpdir(), 'svyaz-build-'))
  writeFileSync(join(folder, 'main.ts'), `console.log('built')`)
  const bundler = JSON.stringify(new URL('./bundler.ts', import.meta.url).href)
  const text = `import { Bundler } from ${bundler}
import { createRequire } from 'node:module'
const [root, directory] = [${JSON.stringify(folder)}, ${JSON.stringify(join(folder, 'bundles'))}]
const file = await new Bundler({ root, directory }).bundleOf('main.ts')
const loaded = Object.keys(createRequire(${bundler}).cache).filter((name) => name.includes('/esbuild/'))
console.log(JSON.stringify({ file, loaded }))`
  const asked = join(folder, 'ask.mjs')
  writeFileSync(asked, text)
  const { file, loaded } = JSON.parse(execFileSync(process.execPath, [asked], { encoding: 'utf8' })) as {
    file: string
    loaded: string[]
  }
  assert.ok(existsSync(file))
  assert.deepEqual(
    loaded.filter((name) => name.endsWith('.js')),
    [],
  )
})
