/**
 * Who runs and how well, as discovery says (Consul's HTTP API): services with their instances, what their checks say, and
 * where their metrics are. Asked only when somebody wants to know.
 */
import type { InstanceState } from './activity/answers.ts'
import { getText } from './get-text.ts'

export type FoundInstance = InstanceState & {
  readonly service: string
  /** Where its metrics are: `Meta.management` is the port. */
  readonly metricsUrl: string | undefined
}

type Check = { readonly ServiceID: string; readonly ServiceName: string; readonly Status: string }
type Registration = {
  readonly Node?: { readonly Address?: string }
  readonly Service: {
    readonly ID: string
    readonly Address?: string
    readonly Meta?: Readonly<Record<string, string>> | null
  }
}

const timeoutMs = 3_000
const answerBytesMax = 4 * 1024 * 1024
const instancesMax = 1_000
/** An answer this fresh is good enough for the next who asks. */
const freshMs = 1_000
/** Addresses are read again after this many looks, or when an instance came, went, or changed its state. */
const looksPerAddress = 8

export class Instances {
  readonly #base: string
  readonly #now: () => number
  #found: readonly FoundInstance[] = []
  #addresses = new Map<string, string | undefined>()
  #known = ''
  #looks = 0
  #askedAtMs = Number.NEGATIVE_INFINITY
  #asking: Promise<readonly FoundInstance[]> | undefined

  /** @param base of Consul's API, `http://127.0.0.1:8500`
   * @param now monotonic ms */
  constructor(base: string, now: () => number) {
    this.#base = base
    this.#now = now
  }

  /** What discovery says now. While it is away: what it said last. */
  async look(): Promise<readonly FoundInstance[]> {
    if (this.#now() - this.#askedAtMs < freshMs) return this.#found
    this.#asking ??= this.#ask().finally(() => {
      this.#asking = undefined
    })
    return await this.#asking
  }

  /** By service. */
  async health(): Promise<ReadonlyMap<string, readonly InstanceState[]>> {
    const health = new Map<string, InstanceState[]>()
    for (const { service, instance, status } of await this.look())
      health.set(service, [...(health.get(service) ?? []), { instance, status }])
    return health
  }

  /** The addresses are doubtful: the next look reads them again. */
  doubt(): void {
    this.#known = ''
  }

  async #ask(): Promise<readonly FoundInstance[]> {
    try {
      const checks = (await this.#get<Check[]>('/v1/health/state/any')).filter(({ ServiceID }) => ServiceID !== '')
      await this.#readAddresses(checks)
      const byInstance = Map.groupBy(checks.slice(0, instancesMax), ({ ServiceID }) => ServiceID)
      this.#found = Array.from(byInstance, ([instance, own]) => ({
        instance,
        service: own[0]?.ServiceName ?? '',
        status: worst(own.map(({ Status }) => Status)),
        metricsUrl: this.#addresses.get(instance),
      }))
    } catch {
      // Away: that is for whoever watches it to say.
    }
    this.#askedAtMs = this.#now()
    return this.#found
  }

  async #readAddresses(checks: readonly Check[]): Promise<void> {
    const known = checks.map(({ ServiceID, Status }) => `${ServiceID}=${Status}`).join(' ')
    this.#looks += 1
    if (known === this.#known && this.#looks % looksPerAddress !== 0) return
    this.#addresses = new Map()
    for (const service of new Set(checks.map(({ ServiceName }) => ServiceName)))
      for (const { Node, Service } of await this.#get<Registration[]>(
        `/v1/health/service/${encodeURIComponent(service)}`,
      )) {
        const port = Service.Meta?.management
        const host = Service.Address || Node?.Address
        const isOne = /^\d{1,5}$/.test(port ?? '') && host !== undefined
        this.#addresses.set(
          Service.ID,
          isOne ? `http://${host.includes(':') ? `[${host}]` : host}:${port}/metrics` : undefined,
        )
      }
    this.#known = known
  }

  async #get<T>(path: string): Promise<T> {
    return JSON.parse(await getText(this.#base + path, { timeoutMs, bytesMax: answerBytesMax })) as T
  }
}

function worst(statuses: readonly string[]): InstanceState['status'] {
  if (statuses.some((status) => status === 'critical' || status === 'maintenance')) return 'critical'
  return statuses.includes('warning') ? 'warning' : 'passing'
}
