/**
 * The supervisor, by its control socket: which processes there are, as they change, and what is to be done with them.
 * The socket is open to its owner alone; this server is what makes it reachable from a page, so who may ask is decided
 * in guard.ts.
 */
import type { IncomingMessage } from 'node:http'
import type { Examination } from '@svyaz/contracts/examination.ts'
import { Problem } from '@svyaz/stage'
import type { Action } from '../../protocol.ts'
import { type InstanceEvents, Instances, type Said } from './instances.ts'
import { limits } from './limits.ts'
import { ask, keepAtIt, linesOf, open } from './requests.ts'

export interface SupervisorEvents extends InstanceEvents {
  supervised(supervised: boolean): void
}

/** What the supervisor knows, followed over its control socket. */
export class Supervisor {
  readonly #socketPath: string | undefined
  readonly #events: SupervisorEvents
  readonly instances: Instances
  #supervised = false

  /** @param socketPath undefined where nothing supervises */
  constructor(socketPath: string | undefined, events: SupervisorEvents) {
    this.#socketPath = socketPath
    this.#events = events
    this.instances = new Instances(events)
  }

  get supervised(): boolean {
    return this.#supervised
  }

  /** @throws Problem 409 with the supervisor's sentence; 503 when none runs */
  act(action: Action, target: string): Promise<void> {
    return this.#command(`/instances/${encodeURIComponent(target)}/${action}`)
  }

  /** @throws Problem as `act` does */
  scale(service: string, count: number): Promise<void> {
    return this.#command(`/services/${encodeURIComponent(service)}/scale/${count}`)
  }

  /** The proof or experiment that goes on on this system, whoever began it; undefined without a supervisor to ask. */
  async examination(): Promise<Examination | undefined> {
    const socketPath = this.#socketPath
    if (socketPath === undefined) return undefined
    const answer = await ask({ socketPath }, { path: '/examination' }).catch(() => undefined)
    if (answer?.status !== 200) return undefined
    return (JSON.parse(answer.text) as { examination?: Examination }).examination
  }

  /** Asks it to end. @throws Problem 409 when there is none, or it was asked already; 503 as `act` does */
  stopExamination(): Promise<void> {
    return this.#command('/examination/stop')
  }

  /** Megabytes by instance; empty where the kernel won't say. */
  async memory(): Promise<Record<string, number>> {
    const socketPath = this.#socketPath
    if (socketPath === undefined) return {}
    const { status, text } = await ask({ socketPath }, { path: '/memory' })
    return status === 200 ? (JSON.parse(text) as { memoryMb: Record<string, number> }).memoryMb : {}
  }

  /** Newline-delimited `{instance, line}`. @throws Problem 404 for an unknown target; 503 without a supervisor */
  async logs(target: string, lines: number, follow: boolean, signal: AbortSignal): Promise<IncomingMessage> {
    const socketPath = this.#socketPath
    if (socketPath === undefined) throw new Problem(503, 'no_supervisor', 'there is no supervisor to ask for logs')
    const path = `/logs/${encodeURIComponent(target)}?lines=${lines}${follow ? '&follow=1' : ''}`
    const response = await open({ socketPath }, { path, signal })
    if (response.statusCode === 200) return response
    response.resume()
    throw new Problem(404, 'not_found', `there is no "${target}"`)
  }

  /** Follows the supervisor until the signal aborts, coming back when it does. */
  async run(signal: AbortSignal, failed: (error: unknown) => void): Promise<void> {
    const socketPath = this.#socketPath
    if (socketPath === undefined) return
    await keepAtIt((succeeded) => this.#follow(socketPath, signal, succeeded), signal, failed)
  }

  async #follow(socketPath: string, signal: AbortSignal, succeeded: () => void): Promise<void> {
    const response = await open({ socketPath }, { path: '/events', signal })
    try {
      for await (const line of linesOf(response, limits.answerBytesMax)) {
        succeeded()
        this.#say(true)
        this.instances.take(JSON.parse(line) as Said)
      }
    } finally {
      response.destroy()
      this.#say(false)
    }
  }

  #say(supervised: boolean): void {
    if (this.#supervised === supervised) return
    this.#supervised = supervised
    this.#events.supervised(supervised)
  }

  async #command(path: string): Promise<void> {
    const socketPath = this.#socketPath
    if (socketPath === undefined)
      throw new Problem(503, 'no_supervisor', 'this console was started without a supervisor')
    // A restart waits until it is ready: longer than other calls.
    const answer = await ask({ socketPath }, { method: 'POST', path, timeoutMs: 60_000 }).catch(() => {
      throw new Problem(503, 'no_supervisor', 'the supervisor does not answer')
    })
    if (answer.status !== 200) throw new Problem(409, 'refused', (JSON.parse(answer.text) as { error: string }).error)
  }
}
