/**
 * Looks at `/metrics` of everything in discovery, and of what it was told by name, every fifteen seconds. A look that
 * fails is a look too: `up` is 0 then, and what else there was is over.
 */
import { type Labels, type Metadata, readPage } from '@svyaz/metrics'
import { getText } from '../get-text.ts'
import type { Instances } from '../instances.ts'
import type { Look, MetricStore } from './metric-store.ts'
import type { PushedSamples } from './pushed.ts'

export type StaticTarget = {
  readonly name: string
  readonly url: string
}

export type TargetState = {
  readonly labels: Labels
  readonly url: string
  readonly up: boolean
  readonly lastAtMs: number | null
  readonly durationMs: number | null
  readonly samples: number
  readonly error?: string
}

export type ScraperOptions = {
  readonly store: MetricStore
  readonly instances: Instances | undefined
  readonly targets: readonly StaticTarget[]
  /** What was pushed, instead. */
  readonly pushed: PushedSamples
  readonly everyMs: number
  readonly now: () => number
  /** Called after each round, when its samples are there. */
  readonly looked: (atMs: number) => void
  /** Hears why a round came to nothing. */
  readonly onFault: (fault: unknown) => void
}

const timeoutMs = 5_000
const pageBytesMax = 4 * 1024 * 1024
const atOnce = 4
const metadataMax = 5_000
const metadataCharsMax = 500
/** The job of whatever discovery knows, as in deploy/prometheus. */
const job = 'svyaz'

type Target = { readonly labels: Labels; readonly url: string; readonly read: () => Promise<string> }

export class Scraper implements Disposable {
  /** This process's own page. */
  ownPage: () => string = () => ''
  readonly #options: ScraperOptions
  readonly #metadata = new Map<string, Metadata>()
  #states = new Map<string, TargetState>()
  #timer: NodeJS.Timeout | undefined
  #round: Promise<void> | undefined

  constructor(options: ScraperOptions) {
    this.#options = options
  }

  /** Begins to look, the first time when a round is over: a start has other things to do. */
  start(): void {
    const { everyMs, onFault } = this.#options
    this.#timer = setInterval(() => void this.look().catch(onFault), everyMs).unref()
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer)
  }

  states(): TargetState[] {
    return [...this.#states.values()]
  }

  metadata(): ReadonlyMap<string, Metadata> {
    return this.#metadata
  }

  /** One round; whoever asks while one is under way waits for that one. */
  look(): Promise<void> {
    this.#round ??= this.#lookAtAll().finally(() => {
      this.#round = undefined
    })
    return this.#round
  }

  async #lookAtAll(): Promise<void> {
    const { store, now, looked } = this.#options
    const targets = await this.#targets()
    const looks: Look[] = []
    const states = new Map<string, TargetState>()
    const waiting = targets.values()
    const worker = async () => {
      for (const target of waiting) {
        const { look, state } = await this.#lookAt(target)
        looks.push(look)
        states.set(JSON.stringify(target.labels), state)
      }
    }
    await Promise.all(Array.from({ length: atOnce }, worker))
    // Whoever is not a target any more is over.
    for (const [key, { labels }] of this.#states) if (!states.has(key)) looks.push({ target: labels, samples: [] })
    this.#states = states
    if ([...states.values()].some(({ up }) => !up)) this.#options.instances?.doubt()
    const atMs = now()
    store.add([...looks, ...this.#options.pushed.looks(atMs)], atMs)
    looked(atMs)
  }

  async #targets(): Promise<Target[]> {
    const { instances, targets } = this.#options
    const found = (await instances?.look()) ?? []
    const read = (url: string) => () => getText(url, { timeoutMs, bytesMax: pageBytesMax })
    return [
      ...found.flatMap(({ service, instance, metricsUrl: url }) =>
        url === undefined ? [] : [{ labels: { job, service, instance }, url, read: read(url) }],
      ),
      ...targets.map(({ name, url }) => ({ labels: { job: name, instance: name }, url, read: read(url) })),
      { labels: { job: 'telemetry', instance: 'telemetry' }, url: 'this process', read: async () => this.ownPage() },
    ]
  }

  async #lookAt({ labels, url, read }: Target): Promise<{ look: Look; state: TargetState }> {
    const { now } = this.#options
    const beganMs = performance.now()
    const samples: { key: string; value: number }[] = []
    let error: string | undefined
    try {
      readPage(
        await read(),
        (key, value) => samples.push({ key, value }),
        (name, what, text) => this.#note(name, what, text),
      )
    } catch (cause) {
      error = cause instanceof Error ? cause.message : String(cause)
    }
    const durationMs = performance.now() - beganMs
    const count = samples.length
    samples.push({ key: 'up', value: error === undefined ? 1 : 0 })
    samples.push({ key: 'scrape_duration_seconds', value: Math.round(durationMs) / 1_000 })
    samples.push({ key: 'scrape_samples_scraped', value: count })
    const state = { labels, url, up: error === undefined, lastAtMs: now(), durationMs, samples: count }
    return { look: { target: labels, samples }, state: error === undefined ? state : { ...state, error } }
  }

  #note(name: string, what: 'TYPE' | 'HELP', said: string): void {
    if (name.length > metadataCharsMax) return
    const text = said.slice(0, metadataCharsMax)
    const known = this.#metadata.get(name)
    if (
      known === undefined
        ? this.#metadata.size >= metadataMax
        : what === 'TYPE'
          ? known.type === text
          : known.help === text
    )
      return
    const { type, help } = known ?? { type: 'untyped', help: '' }
    const own = copyOf(text)
    this.#metadata.set(copyOf(name), what === 'TYPE' ? { type: own, help } : { type, help: own })
  }
}

/** Of a part of a page, which would keep the whole page in memory. */
const copyOf = (text: string): string => Buffer.from(text).toString()
