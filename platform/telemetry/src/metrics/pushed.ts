/**
 * Samples that came over OTLP, until the next look takes them. What a process pushed last holds for five minutes, as a
 * sample does that was scraped.
 */
import { keyOf, type Labels } from '@svyaz/metrics'
import { isKeyFine, type Look } from './metric-store.ts'

const holdsForMs = 300_000
/** Of all names with their labels, in characters. */
const charsMax = 8 * 1024 * 1024

type Pushed = { readonly target: Labels; readonly samples: Map<string, { value: number; atMs: number }> }

export class PushedSamples {
  /** Above a limit. */
  samplesRefused = 0
  readonly #targetsMax: number
  #chars = 0
  readonly #seriesMax: number
  readonly #targets = new Map<string, Pushed>()

  constructor(targetsMax: number, seriesMax: number) {
    this.#targetsMax = targetsMax
    this.#seriesMax = seriesMax
  }

  take(target: Labels, samples: readonly { readonly key: string; readonly value: number }[], atMs: number): void {
    const id = keyOf(target)
    const known = this.#targets.get(id)
    if (known === undefined && (this.#targets.size >= this.#targetsMax || !isKeyFine(id))) {
      this.samplesRefused += samples.length
      return
    }
    const own = known ?? { target, samples: new Map() }
    this.#targets.set(id, own)
    for (const { key, value } of samples)
      if (own.samples.has(key) || this.#hasRoom(own, key)) own.samples.set(key, { value, atMs })
      else this.samplesRefused += 1
  }

  /** Takes it, when there is. */
  #hasRoom({ samples }: Pushed, key: string): boolean {
    if (samples.size >= this.#seriesMax || !isKeyFine(key) || this.#chars + key.length > charsMax) return false
    this.#chars += key.length
    return true
  }

  /** What holds now; whoever has been silent is over with this look. */
  looks(nowMs: number): Look[] {
    return Array.from(this.#targets, ([id, { target, samples }]) => {
      for (const [key, { atMs }] of samples)
        if (atMs < nowMs - holdsForMs && samples.delete(key)) this.#chars -= key.length
      if (samples.size === 0) this.#targets.delete(id)
      return { target, samples: Array.from(samples, ([key, { value }]) => ({ key, value })) }
    })
  }
}
