/**
 * Samples of metrics on the disk: a row a look at a target, with what changed (changes.ts). A target is its labels; its
 * series are numbered as they appear. In memory there is only what the next look is compared with.
 */
import {
  keyOf,
  type Labels,
  labelsOfKey,
  type Matcher,
  matches,
  nameOfKey,
  type Series,
  type SeriesSource,
  TooManySamples,
  withTarget,
} from '@svyaz/metrics'
import { History, type HistoryLimits } from '../history/history.ts'
import type { Segment } from '../history/segment.ts'
import { decodeChanges, encodeChanges } from './changes.ts'

export type MetricLimits = {
  readonly history: HistoryLimits
  /** Series of one target; samples of more are left out, and counted. */
  readonly seriesPerTargetMax: number
  readonly targetsMax: number
}

/** What one look at a target gave: `key` is a name with labels, as in a page. */
export type Look = {
  readonly target: Labels
  readonly samples: readonly { readonly key: string; readonly value: number }[]
}

const schema = `
  CREATE TABLE IF NOT EXISTS target (id INTEGER PRIMARY KEY, labels TEXT NOT NULL);
  CREATE TABLE IF NOT EXISTS series (target INTEGER NOT NULL, n INTEGER NOT NULL, name TEXT NOT NULL, key TEXT NOT NULL,
    PRIMARY KEY (target, n)) WITHOUT ROWID;
  CREATE INDEX IF NOT EXISTS series_name ON series (name);
  CREATE TABLE IF NOT EXISTS look (target INTEGER NOT NULL, at INTEGER NOT NULL, whole INTEGER NOT NULL, body BLOB NOT NULL,
    PRIMARY KEY (target, at)) WITHOUT ROWID;`

/** Of a name with its labels, and of all that are written to, in characters. */
const keyCharsMax = 2_048
const keysCharsMax = 16 * 1024 * 1024
/** Whether a name with its labels is short enough to be kept. */
export const isKeyFine = (key: string): boolean => key.length <= keyCharsMax

/** Every twentieth look everything is written, so that reading may begin there. */
const looksPerWhole = 20

type Known = {
  id: number
  readonly numbers: Map<string, number>
  values: (number | undefined)[]
  looks: number
}

export class MetricStore implements SeriesSource, Disposable {
  samplesKept = 0
  samplesLost = 0
  readonly history: History
  readonly #limits: MetricLimits
  readonly #targets = new Map<string, Known>()
  #keysChars = 0

  constructor(directory: string, limits: MetricLimits, onFault: (error: unknown) => void) {
    this.#limits = limits
    this.history = new History({
      directory,
      family: 'metrics',
      schema,
      limits: limits.history,
      onFault,
      // A segment can be read alone: it begins with all names and all values.
      begun: () => this.#forget(),
    })
  }

  /** Series that are written to. */
  get seriesCount(): number {
    return this.#targets.values().reduce((sum, { numbers }) => sum + numbers.size, 0)
  }

  /** Takes looks at several targets at one moment. */
  add(looks: readonly Look[], atMs: number): void {
    try {
      this.history.write(atMs, (segment) => {
        for (const look of looks) this.#addOne(segment, look, atMs)
      })
    } catch {
      this.#forget()
      this.samplesLost += looks.reduce((sum, { samples }) => sum + samples.length, 0)
    }
  }

  /** @throws TooManySamples when there are more than `samplesMax` */
  select(matchers: readonly Matcher[], fromMs: number, toMs: number, samplesMax: number): Series[] {
    let samples = 0
    return this.#found(matchers, fromMs, toMs, (series, atMs, value) => {
      if (value === undefined) {
        if ((series.times.at(-1) ?? 0) > (series.gaps.at(-1) ?? -1)) series.gaps.push(atMs)
        return
      }
      samples += 1
      if (samples > samplesMax) throw new TooManySamples()
      series.times.push(atMs)
      series.values.push(value)
    })
  }

  /** Names and labels of everything that was seen in a stretch of time. */
  labelSets(matchers: readonly Matcher[], fromMs: number, toMs: number): Labels[] {
    // Of the samples, the first is enough.
    const seen = this.#found(matchers, fromMs, toMs, ({ times }, atMs, value) => {
      if (value !== undefined && times.length === 0) times.push(atMs)
    })
    return seen.filter(({ times }) => times.length > 0).map(({ labels }) => labels)
  }

  #found(matchers: readonly Matcher[], fromMs: number, toMs: number, take: TakeSample): Growing[] {
    const tests = matchers.map((matcher) => [matcher.label, matches(matcher)] as const)
    const wanted = (labels: Labels) => tests.every(([label, isSo]) => isSo(labels[label] ?? ''))
    const name = matchers.find(({ label, by }) => label === '__name__' && by === '=')?.value
    const found = new Map<string, Growing>()
    for (const segment of [...this.history.segments(fromMs)].reverse())
      this.history.from(segment, (one) => {
        readSegment(one, { name, wanted, fromMs, toMs, take }, found)
        return []
      })
    return [...found.values()]
  }

  [Symbol.dispose](): void {
    this.history[Symbol.dispose]()
  }

  #forget(): void {
    this.#targets.clear()
    this.#keysChars = 0
  }

  #addOne(segment: Segment, { target, samples }: Look, atMs: number): void {
    const known = this.#known(segment, target)
    if (known === undefined) {
      this.samplesLost += samples.length
      return
    }
    const now: (number | undefined)[] = new Array(known.values.length).fill(undefined)
    for (const { key, value } of samples) {
      const n = known.numbers.get(key) ?? this.#newSeries(segment, known, key)
      if (n !== undefined) now[n] = value
    }
    for (let n = 0; n < now.length; n += 1) now[n] ??= undefined
    const isWhole = known.looks % looksPerWhole === 0
    const body = encodeChanges(isWhole ? undefined : known.values, now)
    segment.run(
      'INSERT OR REPLACE INTO look (target, at, whole, body) VALUES (?, ?, ?, ?)',
      known.id,
      atMs,
      isWhole ? 1 : 0,
      body,
    )
    known.values = now
    known.looks += 1
    this.samplesKept += samples.length
  }

  #known(segment: Segment, target: Labels): Known | undefined {
    const key = keyOf(target)
    const found = this.#targets.get(key)
    if (found !== undefined) return found
    if (this.#targets.size >= this.#limits.targetsMax || !isKeyFine(key)) return undefined
    segment.run('INSERT INTO target (labels) VALUES (?)', JSON.stringify(target))
    const id = Number(segment.row('SELECT max(id) id FROM target')?.id)
    const known: Known = { id, numbers: new Map(), values: [], looks: 0 }
    this.#targets.set(key, known)
    return known
  }

  #newSeries(segment: Segment, known: Known, key: string): number | undefined {
    const n = known.numbers.size
    const chars = this.#keysChars + key.length
    if (n >= this.#limits.seriesPerTargetMax || !isKeyFine(key) || chars > keysCharsMax) {
      this.samplesLost += 1
      return undefined
    }
    segment.run('INSERT INTO series (target, n, name, key) VALUES (?, ?, ?, ?)', known.id, n, nameOfKey(key), key)
    this.#keysChars = chars
    // A copy: a part of a page keeps the whole page in memory.
    known.numbers.set(Buffer.from(key).toString(), n)
    return n
  }
}

type Growing = { readonly labels: Labels; readonly times: number[]; readonly values: number[]; readonly gaps: number[] }
/** Hears of each look at a series; undefined: it wasn't there. */
type TakeSample = (series: Growing, atMs: number, value: number | undefined) => void
type Wanted = {
  readonly name: string | undefined
  readonly wanted: (labels: Labels) => boolean
  readonly fromMs: number
  readonly toMs: number
  readonly take: TakeSample
}

function readSegment(segment: Segment, asked: Wanted, found: Map<string, Growing>): void {
  const { fromMs, toMs } = asked
  const targets = segment.rows(
    `SELECT id, labels FROM target WHERE EXISTS (SELECT 1 FROM look WHERE target = id AND at BETWEEN ? AND ?) ORDER BY id`,
    fromMs,
    toMs,
  )
  for (const { id, labels } of targets) {
    const chosen = chosenSeries(segment, Number(id), JSON.parse(String(labels)) as Labels, asked, found)
    if (chosen.size > 0) readLooks(segment, Number(id), asked, chosen)
  }
}

/** By number. */
function chosenSeries(
  segment: Segment,
  target: number,
  targetLabels: Labels,
  { name, wanted }: Wanted,
  found: Map<string, Growing>,
): Map<number, Growing> {
  const rows =
    name === undefined
      ? segment.rows('SELECT n, key FROM series WHERE target = ?', target)
      : segment.rows('SELECT n, key FROM series WHERE name = ? AND target = ?', name, target)
  const chosen = new Map<number, Growing>()
  for (const { n, key } of rows) {
    const own = labelsOfKey(String(key))
    const labels = own && withTarget(own, targetLabels)
    if (labels === undefined || !wanted(labels)) continue
    const id = keyOf(labels)
    const series = found.get(id) ?? { labels, times: [], values: [], gaps: [] }
    found.set(id, series)
    chosen.set(Number(n), series)
  }
  return chosen
}

function readLooks(
  segment: Segment,
  target: number,
  { fromMs, toMs, take }: Wanted,
  chosen: ReadonlyMap<number, Growing>,
): void {
  const whole = segment.row(
    'SELECT max(at) at FROM look WHERE target = ? AND at <= ? AND whole = 1',
    target,
    fromMs,
  )?.at
  const looks = segment.each(
    'SELECT at, whole, body FROM look WHERE target = ? AND at BETWEEN ? AND ? ORDER BY at',
    target,
    whole ?? fromMs,
    toMs,
  )
  const values = new Map<number, number>()
  for (const { at, whole: isWhole, body } of looks) {
    if (isWhole === 1) values.clear()
    if (body instanceof Uint8Array)
      decodeChanges(body, (n, value) => {
        if (!chosen.has(n)) return
        if (value === undefined) values.delete(n)
        else values.set(n, value)
      })
    const atMs = Number(at)
    if (atMs < fromMs) continue
    for (const [n, series] of chosen) take(series, atMs, values.get(n))
  }
}
