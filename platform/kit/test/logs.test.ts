import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { test } from 'node:test'

/** A process of the kit's logger that says a few last words when its input ends, and ends. */
const program = `
  const { createLogger } = await import(${JSON.stringify(new URL('../src/process/logs.ts', import.meta.url).href)})
  const log = createLogger({ logLevel: 'info', service: 's', instance: 's-1' }, () => undefined)
  log.info({}, 'ready')
  process.stdin.resume().once('end', () => {
    for (let n = 0; n < 100; n++) log.warn({ n }, 'last words')
    process.exit(7)
  })
`

test('a process whose reader has gone ends when it wants to, whatever it still had to say', {
  timeout: 20_000,
}, async () => {
  const child = spawn(process.execPath, ['--input-type=module', '-e', program], { stdio: ['pipe', 'pipe', 'inherit'] })
  const [line] = await once(child.stdout, 'data')
  assert.match(String(line), /"ready"/)
  child.stdout.destroy()
  child.stdin.end()
  assert.deepEqual(await once(child, 'exit'), [7, null])
})

test('the last words of a process that ends are read whole', { timeout: 20_000 }, async () => {
  const child = spawn(process.execPath, ['--input-type=module', '-e', program], { stdio: ['pipe', 'pipe', 'inherit'] })
  let text = ''
  child.stdout.on('data', (chunk) => {
    text += chunk
  })
  child.stdin.end()
  await once(child, 'close')
  assert.equal(text.trimEnd().split('\n').length, 101)
  assert.match(text, /"n":99/)
})
