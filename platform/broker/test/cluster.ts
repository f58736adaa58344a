/**
 * What the conformance suite talks to: our broker as a started process, or any Kafka when SVYAZ_TEST_KAFKA=host:port is
 * set. A test that passes here and fails there is a wrong test.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

const COMMAND = fileURLToPath(new URL('../bin/svyaz-broker.js', import.meta.url))

export const outsideKafka = process.env.SVYAZ_TEST_KAFKA

/** For tests that kill the broker, send it rubbish or look at its command. */
export const ownBrokerOnly = outsideKafka ? 'needs our broker as a process of its own' : false

export interface Cluster extends AsyncDisposable {
  /** host:port */
  readonly bootstrap: string
}

export async function startCluster(): Promise<Cluster> {
  if (outsideKafka) return { bootstrap: outsideKafka, async [Symbol.asyncDispose]() {} }
  return await BrokerProcess.start()
}

export interface LogLine {
  readonly level: string
  readonly msg: string
  readonly [detail: string]: unknown
}

/** The command, running, with a directory of its own that goes with it. */
export class BrokerProcess implements Cluster {
  readonly directory: string
  readonly lines: LogLine[] = []
  port = 0
  managementPort = 0
  #child: ChildProcess | null = null
  #errors = ''

  constructor(directory: string) {
    this.directory = directory
  }

  static async start(...flags: string[]): Promise<BrokerProcess> {
    const broker = new BrokerProcess(await mkdtemp(join(tmpdir(), 'svyaz-broker-test-')))
    await broker.run(...flags)
    return broker
  }

  get bootstrap(): string {
    return `127.0.0.1:${this.port}`
  }

  /** Starts it, again after a kill: on the port and the data that it had. */
  async run(...flags: string[]): Promise<void> {
    const child = spawn(
      process.execPath,
      [
        COMMAND,
        ...['--port', String(this.port), '--management-port', '0'],
        ...['--data-dir', join(this.directory, 'data'), '--stop-on-stdin-end', ...flags],
      ],
      { stdio: ['pipe', 'pipe', 'pipe'] },
    )
    this.#child = child
    child.stderr.on('data', (chunk) => {
      this.#errors += chunk
    })
    await new Promise<void>((resolve, reject) => {
      createInterface({ input: child.stdout }).on('line', (text) => {
        const line = JSON.parse(text) as LogLine
        this.lines.push(line)
        if (line.msg !== 'listening') return
        this.port = line.port as number
        this.managementPort = line.managementPort as number
        resolve()
      })
      child.once('exit', (code) => reject(new Error(`the broker ended with ${code}: ${this.#errors}`)))
    })
  }

  /** kill -9. */
  async kill(): Promise<void> {
    await this.#end('SIGKILL')
  }

  /** Ends it in good order and gives its exit code. */
  async stop(): Promise<number | null> {
    return await this.#end('SIGTERM')
  }

  async #end(signal: NodeJS.Signals): Promise<number | null> {
    const child = this.#child
    if (child === null || child.exitCode !== null || child.signalCode !== null) return child?.exitCode ?? null
    child.kill(signal)
    const [code] = await once(child, 'exit')
    return code
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop()
    await rm(this.directory, { recursive: true })
  }
}

/** Waits for a condition; fails after `withinMs` with what it waited for. */
export async function until(
  what: string,
  condition: () => boolean | Promise<boolean>,
  withinMs = 20_000,
): Promise<void> {
  const deadline = performance.now() + withinMs
  while (!(await condition())) {
    if (performance.now() > deadline) throw new Error(`waited ${withinMs} ms for ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

let names = 0
/** A name that no other test and no earlier run has used. */
export function unique(prefix: string): string {
  return `${prefix}-${process.pid}-${Date.now()}-${++names}`
}
