/**
 * Discovery, ours or Consul, as pages see it: each service with its instances and checks. Pages that ask at the same time
 * share one look.
 */
import type { JudgeRegistration } from '@svyaz/kit/registrations'
import { type Log, Problem } from '@svyaz/stage'
import type { DiscoveredService, DiscoveryAnswer } from '../../protocol.ts'
import { type HealthEntry, instanceOf, nodeOf } from './discovered.ts'
import { limits } from './limits.ts'
import { ask } from './requests.ts'

export interface DiscoveryPlace {
  /** http://host:port */
  readonly url: string
  /** Of Consul's ACLs. */
  readonly token?: string
  /** Public keys of all services; without it signatures are read and not verified. */
  readonly jwksFile?: string
}

export class Discovery {
  readonly #place: DiscoveryPlace
  readonly #log: Log
  #judge: JudgeRegistration | undefined
  #look: { readonly at: number; readonly answer: Promise<DiscoveryAnswer> } | undefined

  constructor(place: DiscoveryPlace, log: Log) {
    this.#place = place
    this.#log = log
  }

  /** @throws Unreachable; Problem 503 when discovery refuses */
  view(): Promise<DiscoveryAnswer> {
    const now = performance.now()
    if (this.#look === undefined || now - this.#look.at >= limits.discoveryFreshMs)
      this.#look = { at: now, answer: this.#read() }
    return this.#look.answer
  }

  async #read(): Promise<DiscoveryAnswer> {
    const names = Object.keys((await this.#get('/v1/catalog/services')) as object).sort()
    const waiting = names.slice(0, limits.discoveredMax)
    const services: DiscoveredService[] = []
    const nodes = new Map<string, DiscoveryAnswer['nodes'][number]>()
    const worker = async () => {
      for (let name = waiting.shift(); name !== undefined; name = waiting.shift()) {
        const entries = (await this.#get(`/v1/health/service/${encodeURIComponent(name)}`)) as HealthEntry[]
        for (const entry of entries) nodes.set(entry.Node?.Node ?? '', nodeOf(entry))
        services.push(await this.#service(name, entries))
      }
    }
    await Promise.all(Array.from({ length: limits.discoveryAtOnce }, worker))
    return {
      services: services.sort((a, b) => (a.name < b.name ? -1 : 1)),
      nodes: [...nodes.values()],
      complete: names.length <= limits.discoveredMax,
    }
  }

  async #service(name: string, entries: readonly HealthEntry[]): Promise<DiscoveredService> {
    const judge = await this.#judged()
    const instances = []
    for (const entry of entries) instances.push(instanceOf(entry, await judge(name, entry)))
    const known = instances.filter((one) => one !== undefined)
    return { name, instances: known.sort((a, b) => (a.id < b.id ? -1 : 1)) }
  }

  /** Loaded when a page asks for the first time. */
  async #judged(): Promise<JudgeRegistration> {
    if (this.#judge !== undefined) return this.#judge
    const { registrationJudge } = await import('@svyaz/kit/registrations')
    const log = { error: (fields: object, text: string) => this.#log('error', text, fields as Record<string, unknown>) }
    this.#judge ??= registrationJudge(this.#place.jwksFile, { log })
    return this.#judge
  }

  async #get(path: string): Promise<unknown> {
    const { url, token } = this.#place
    const headers = token === undefined ? {} : { 'x-consul-token': token }
    const { status, text } = await ask({ url }, { path, headers })
    if (status !== 200) throw new Problem(503, 'unavailable', `discovery answers ${status}`)
    return JSON.parse(text)
  }
}
