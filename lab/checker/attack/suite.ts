/**
 * Every attack against every listener. After each group of attacks the process must still be the same and serve a good
 * request; where it isn't, the group is repeated one by one, so that the finding names the input.
 */
import { connect, type Socket } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import type { Listener } from '@svyaz/system/listeners'
import { createRandom } from '../random.ts'
import type { Attack, AttackContext } from './attack.ts'
import { attacksOn, slowHead } from './attacks.ts'
import { wrongIn } from './judge.ts'
import { probe } from './probe.ts'
import { carryOut, type Outcome, type Place } from './wire.ts'

export interface Target {
  /** `orders-1/http`. */
  readonly name: string
  readonly listener: Listener
  readonly at: Place['at']
}

/** A process with its listeners. */
export interface Subject {
  readonly name: string
  readonly targets: readonly Target[]
  /** Changes when the process becomes another one: process id, number of restarts. */
  identity(): string
}

export interface Finding {
  readonly target: string
  readonly attack: string
  readonly what: string
}

export interface SuiteOptions {
  readonly subjects: readonly Subject[]
  readonly seed: number
  /** Our own address, so that limits per address hit the attacker and not those who look how it is. */
  readonly from?: string | undefined
  readonly token?: string | undefined
  /** Also how long a head may take: that alone needs {@link slowHeadMsMax}. */
  readonly slow?: boolean
  /** Hears of each finding at once. */
  readonly found?: (finding: Finding) => void
}

export interface SuiteResult {
  readonly findings: readonly Finding[]
  /** Connections on which something was sent. */
  readonly carriedOut: number
}

const attacksAtOnce = 8
const recoveryMs = 30_000
/** More than gRPC and SMTP let one address have (256), so that those must make room. */
export const crowdSize = 300
/** Heads must be there within 10 s (httpServerLimits, gatewayLimits); the check for it may come a little later. */
export const slowHeadMsMax = 13_000

/** Resolves when everything was tried; what was found comes in the order of the subjects. */
export async function attackAll(options: SuiteOptions): Promise<SuiteResult> {
  const results = await Promise.all(options.subjects.map((subject) => new Siege(subject, options).run()))
  return {
    findings: results.flatMap((result) => result.findings),
    carriedOut: results.reduce((sum, result) => sum + result.carriedOut, 0),
  }
}

/** The attacks against one process, one listener after the other. */
class Siege {
  readonly #subject: Subject
  readonly #options: SuiteOptions
  readonly #findings: Finding[] = []
  #identity: string
  #carriedOut = 0

  constructor(subject: Subject, options: SuiteOptions) {
    this.#subject = subject
    this.#options = options
    this.#identity = subject.identity()
  }

  async run(): Promise<SuiteResult> {
    const { targets } = this.#subject
    for (const target of targets) await this.#crowd(target)
    const slow = this.#options.slow ? targets.map((target) => this.#slowHead(target)) : []
    for (const target of targets) {
      const list = attacksOn(target.listener)
      for (let at = 0; at < list.length; at += attacksAtOnce)
        await this.#group(target, list.slice(at, at + attacksAtOnce))
    }
    await Promise.all(slow)
    return { findings: this.#findings, carriedOut: this.#carriedOut }
  }

  async #group(target: Target, group: readonly Attack[]): Promise<void> {
    await Promise.all(group.map((attack) => this.#one(target, attack)))
    const trouble = await this.#trouble(target)
    if (trouble === undefined) return
    const whole = await this.#recover(target, trouble)
    let named = false
    for (const attack of group) {
      await this.#one(target, attack)
      const again = await this.#trouble(target)
      if (again === undefined) continue
      named = true
      this.#found(target, attack.name, await this.#recover(target, again))
    }
    if (!named) this.#found(target, `one of, or together: ${group.map(({ name }) => name).join('; ')}`, whole)
  }

  async #one(target: Target, attack: Attack): Promise<void> {
    const outcome = await this.#carryOut(target, attack)
    const spoken = attack.inside === 'http/1.1' ? 'http' : target.listener.protocol
    for (const what of wrongIn(spoken, outcome.answer)) this.#found(target, attack.name, what)
    const what = attack.judge?.(outcome)
    if (what !== undefined) this.#found(target, attack.name, what)
  }

  #carryOut(target: Target, attack: Attack): Promise<Outcome> {
    this.#carriedOut += 1
    const place = { at: target.at, from: this.#options.from, inside: attack.inside }
    return carryOut(place, attack.steps(this.#context(target, attack.name)))
  }

  /** The same bytes for the same seed and attack, whenever it is repeated. */
  #context({ listener, at }: Target, attack: string): AttackContext {
    const { seed, token } = this.#options
    const number = [...attack].reduce((sum, letter) => (sum * 31 + letter.charCodeAt(0)) | 0, seed)
    return { listener, port: 'port' in at ? at.port : 0, random: createRandom(number), token }
  }

  async #trouble(target: Target): Promise<string | undefined> {
    const answer = await probe(target.listener, target.at)
    if (answer !== undefined) return answer
    return this.#subject.identity() === this.#identity ? undefined : 'another process answers'
  }

  /** Waits until it serves again, so that the next finding is one of its own; returns what there was. */
  async #recover(target: Target, trouble: string): Promise<string> {
    const before = this.#identity
    const giveUpAt = performance.now() + recoveryMs
    while ((await probe(target.listener, target.at)) !== undefined && performance.now() < giveUpAt) await delay(100)
    this.#identity = this.#subject.identity()
    return this.#identity === before
      ? `no good answer afterwards: ${trouble}`
      : `the process ended: it was ${before}, now ${this.#identity}`
  }

  /** Whoever comes behind many that say nothing, from the same address, is served. */
  async #crowd(target: Target): Promise<void> {
    if (!('port' in target.at)) return
    const { port } = target.at
    const crowd = Array.from({ length: crowdSize }, () => silent(port))
    this.#carriedOut += crowdSize
    await Promise.all(crowd.map(({ settled }) => settled))
    const trouble = await this.#trouble(target)
    for (const { socket } of crowd) socket.destroy()
    if (trouble !== undefined)
      this.#found(target, `${crowdSize} silent connections`, await this.#recover(target, trouble))
  }

  async #slowHead(target: Target): Promise<void> {
    if (target.listener.protocol !== 'http') return
    const name = 'a head that never ends'
    const identity = this.#subject.identity()
    const steps = slowHead(this.#context(target, name), slowHeadMsMax)
    const { closedByPeer, ms } = await carryOut({ at: target.at, from: this.#options.from }, steps)
    // A process that another attack ended says nothing of its patience.
    if (!closedByPeer && this.#subject.identity() === identity)
      this.#found(target, name, `the connection was still open after ${(ms / 1_000).toFixed(1)} s`)
  }

  #found({ name }: Target, attack: string, what: string): void {
    const same = (known: Finding) => known.target === name && known.attack === attack && known.what === what
    if (this.#findings.some(same)) return
    const finding = { target: name, attack, what }
    this.#findings.push(finding)
    this.#options.found?.(finding)
  }
}

/** A connection that stays without a word; settled when it is there, or is refused. */
function silent(port: number): { socket: Socket; settled: Promise<void> } {
  const socket = connect({ host: '127.0.0.1', port })
  socket.resume()
  const settled = new Promise<void>((resolve) => {
    for (const event of ['connect', 'error', 'close']) socket.on(event, () => resolve())
  })
  return { socket, settled }
}
