/** A system that runs already, by the control socket of its supervisor: what the nemesis needs of it. */
import { ask as control, type Instances } from '@svyaz/system/supervisor/control-client.ts'
import { serviceAccess } from '@svyaz/system/supervisor/service-access.ts'
import type { Action, InstanceView } from '@svyaz/system/supervisor/supervisor.ts'
import { topology } from '@svyaz/system/topology'
import type { Steered } from '../nemesis.ts'
import { BreakAndMend } from './sequence.ts'

const lookEveryMs = 150

export class Attached implements Steered, Disposable {
  readonly home: string
  /** In which it is broken and mended. */
  readonly sequence = new BreakAndMend()
  #instances: readonly InstanceView[] = []
  readonly #looking: NodeJS.Timeout

  private constructor(home: string) {
    this.home = home
    this.#looking = setInterval(() => void this.look().catch(() => undefined), lookEveryMs)
  }

  /** @throws ControlError when no system runs on this home */
  static async to(home: string): Promise<Attached> {
    const attached = new Attached(home)
    try {
      await attached.look()
    } catch (error) {
      attached[Symbol.dispose]()
      throw error
    }
    return attached
  }

  async look(): Promise<void> {
    this.#instances = (await control<Instances>(this.home, 'GET', '/instances')).instances
  }

  /** As they were a moment ago, and as they are after each action. */
  readonly instances = (): InstanceView[] => [...this.#instances]

  readonly url = (process: string, port = 'http'): string => `http://127.0.0.1:${this.#port(process, port)}`

  readonly databaseUrl = (service: string): string =>
    serviceAccess(this.home, topology, this.#port('postgres', 'sql')).url(service)

  readonly kill = (target: string) => this.#act('kill', target)
  readonly pause = (target: string) => this.#act('pause', target)
  readonly resume = (target: string) => this.#act('resume', target)
  readonly restart = (target: string) => this.#act('restart', target)
  readonly stop = (target: string) => this.#act('stop', target)
  readonly start = (target: string) => this.#act('start', target)

  async scale(service: string, count: number): Promise<void> {
    await control(this.home, 'POST', `/services/${service}/scale/${count}`)
    await this.look()
  }

  /** Crash points are armed by who starts a process: not from here. */
  startNextWith(): never {
    throw new Error('a running system takes no variables')
  }

  listen(): never {
    throw new Error('a running system is looked at, not listened to')
  }

  [Symbol.dispose](): void {
    clearInterval(this.#looking)
  }

  #port(process: string, port: string): number {
    const number = this.#instances.find(({ name }) => name === `${process}-1`)?.ports[port]
    if (number === undefined) throw new Error(`${process} is not part of the running system`)
    return number
  }

  async #act(action: Action, target: string): Promise<void> {
    await control(this.home, 'POST', `/instances/${target}/${action}`)
    await this.look()
  }
}
