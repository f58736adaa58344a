import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { after, describe, test } from 'node:test'
import { pathToFileURL } from 'node:url'

const directory = mkdtempSync(join(tmpdir(), 'передача $HOME `id` " #?%20 $& '))
after(() => rmSync(directory, { recursive: true, force: true }))
for (const name of ['hand-over.mjs', 'leash.mjs']) copyFileSync(new URL(name, import.meta.url), join(directory, name))
const library = pathToFileURL(join(directory, 'hand-over.mjs')).href

const program = join(directory, 'program.mjs')
writeFileSync(
  program,
  `const [what] = process.argv.slice(2)
   let count = 0
   process.on('SIGINT', () => { count++; setTimeout(() => process.exit(40 + count), 300) })
   if (what === 'exit') process.exit(7)
   if (what === 'die') process.kill(process.pid, 'SIGKILL')
   console.log(process.pid)
   setInterval(() => {}, 1000)`,
)

function handOver(prelude, what) {
  const code = `${prelude}; const { handOver } = await import(process.argv[1]); handOver(process.execPath, process.argv.slice(2), process.env)`
  const child = spawn(process.execPath, ['--input-type=module', '-e', code, library, program, what], {
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  return { child, exited: once(child, 'exit'), firstLine: once(createInterface({ input: child.stdout }), 'line') }
}

async function ended(pid) {
  for (let round = 0; round < 500; round++) {
    try {
      process.kill(pid, 0)
    } catch {
      return true
    }
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
  return false
}

for (const [way, prelude] of [
  ['in place', ''],
  // What Node 18 and 20 do, which can't replace their process.
  ['as a child', 'process.execve = undefined'],
]) {
  describe(`handing over ${way}`, () => {
    test('the exit code comes back', async () => {
      const { exited } = handOver(prelude, 'exit')
      assert.deepEqual(await exited, [7, null])
    })

    test('the ending signal comes back', async () => {
      const { exited } = handOver(prelude, 'die')
      assert.deepEqual(await exited, [null, 'SIGKILL'])
    })

    test('an interrupt arrives once, even if it is sent twice at once', async () => {
      const { child, exited, firstLine } = handOver(prelude, 'wait')
      await firstLine
      child.kill('SIGINT')
      if (prelude) child.kill('SIGINT')
      assert.deepEqual(await exited, [41, null])
    })

    test('kill −9 of what was started leaves nothing behind', async () => {
      const { child, exited, firstLine } = handOver(prelude, 'wait')
      const [pid] = await firstLine
      child.kill('SIGKILL')
      await exited
      assert.ok(await ended(Number(pid)))
    })
  })
}
