/** Places where stored records are damaged, as readers find them: each is logged once and stays in the metrics. */
import type { DamagedLog } from './log/errors.ts'
import type { Logger } from './logger.ts'

const PLACES_MAX = 100

export interface DamagedPlace {
  readonly topic: string
  readonly partition: number
  readonly file: string
  readonly position: number
}

export class Damage {
  readonly #logger: Logger
  readonly #places = new Map<string, DamagedPlace>()

  constructor(logger: Logger) {
    this.#logger = logger
  }

  /** A read of the partition came upon damage. */
  note(topic: string, partition: number, { file, position, message }: DamagedLog): void {
    const key = `${file} ${position}`
    if (this.#places.has(key) || this.#places.size >= PLACES_MAX) return
    this.#places.set(key, { topic, partition, file, position: position ?? 0 })
    this.#logger.error('stored records are damaged: the partition answers KAFKA_STORAGE_ERROR from there on', {
      topic,
      partition,
      file,
      position,
      error: message,
      remedy: 'restore a backup, or stop the broker and run it once with --accept-loss to pass over them',
    })
  }

  places(): Iterable<DamagedPlace> {
    return this.#places.values()
  }
}
