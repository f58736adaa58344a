/** The suite must be able to fail: it is run against a server that has the faults. */
import assert from 'node:assert/strict'
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { test } from 'node:test'
import type { Listener } from '@svyaz/system/listeners'
import { attackAll, crowdSize, type Subject } from './suite.ts'

const listener: Listener = { process: 'fragile', port: 'http', protocol: 'http', purpose: 'to break', alive: '/' }

/** Starts it again whenever it ends, as the supervisor does. */
class Fragile implements AsyncDisposable {
  readonly #port: number
  #child: ChildProcess
  #starts = 0
  #stopped = false

  constructor(port: number) {
    this.#port = port
    this.#child = this.#start()
  }

  get subject(): Subject {
    const target = { name: 'fragile-1/http', listener, at: { port: this.#port } }
    return { name: 'fragile-1', targets: [target], identity: () => `process ${this.#child.pid}` }
  }
  get starts(): number {
    return this.#starts
  }

  async ready(): Promise<void> {
    await once(this.#child, 'message')
  }

  #start(): ChildProcess {
    this.#starts += 1
    const child = fork(join(import.meta.dirname, 'fixtures', 'fragile.ts'), [String(this.#port)], {
      stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    })
    child.once('exit', () => {
      if (!this.#stopped) this.#child = this.#start()
    })
    return child
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopped = true
    const ended = once(this.#child, 'exit')
    this.#child.kill('SIGKILL')
    await ended
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

test('a server that breaks is told from one that holds, by the input that breaks it', {
  timeout: 120_000,
}, async () => {
  await using fragile = new Fragile(await freePort())
  await fragile.ready()
  const { findings } = await attackAll({ subjects: [fragile.subject], seed: 1 })
  const of = (attack: string) =>
    findings
      .filter((finding) => finding.attack === attack)
      .map(({ what }) => what)
      .join('\n')
  assert.match(of(`${crowdSize} silent connections`), /no good answer afterwards/)
  assert.match(of('the target "//"'), /the process ended/)
  assert.match(of('an upgrade of /, answered, more bytes, then a reset'), /the process ended/)
  assert.match(of('the target "*"'), /answered 500/)
  assert.match(of('the target "*"'), /a stack was sent/)
  assert.match(of('the target "/#"'), /503 came without Retry-After/)
  assert.match(of('the Host rebound.example'), /was answered 200/)
  assert.equal(of('a reset instead of a word'), '', 'what it bears is not a finding')
  assert.ok(fragile.starts > 2, `${fragile.starts} starts`)
})

test('a server without patience’s end is found by the head that never ends', { timeout: 60_000 }, async () => {
  const server = createServer({ headersTimeout: 0, requestTimeout: 0 }, (_, response) => void response.end())
  server.on('connection', (socket) => socket.on('error', () => undefined))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const target = { name: 'patient-1/http', listener, at: { port } }
  const subject: Subject = { name: 'patient-1', targets: [target], identity: () => 'this process' }
  const { findings } = await attackAll({ subjects: [subject], seed: 1, slow: true })
  server.closeAllConnections()
  server.close()
  const slow = findings.filter(({ attack }) => attack === 'a head that never ends')
  assert.match(slow.map(({ what }) => what).join(), /still open after 1\d\.\d s/)
})
