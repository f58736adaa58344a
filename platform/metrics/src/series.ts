/** What an expression is evaluated over. */
import { Pattern } from './pattern.ts'

export type Labels = Readonly<Record<string, string>>

export type Matcher = { readonly label: string; readonly by: '=' | '!=' | '=~' | '!~'; readonly value: string }

/** One series over a stretch of time, its samples in the order of time. `__name__` is among the labels. */
export type Series = {
  readonly labels: Labels
  /** Milliseconds since 1970. */
  readonly times: readonly number[]
  readonly values: readonly number[]
  /** When it was looked for and wasn't there: from then until its next sample it is over. */
  readonly gaps: readonly number[]
}

export type SeriesSource = {
  /**
   * Every series that all matchers hold for, with its samples from `fromMs` to `toMs`, both included.
   * @param samplesMax more are too many: a source that reads them from somewhere stops there and throws TooManySamples
   */
  select(matchers: readonly Matcher[], fromMs: number, toMs: number, samplesMax: number): readonly Series[]
}

/** Of values that were looked at with a regular expression, this many are remembered: few labels have more. */
const rememberedMax = 10_000
/** Steps that one matcher may take: some seconds. */
const workMax = 100_000_000

/**
 * Whether a label's value is one that the matcher wants; a label that isn't there is empty. Regular expressions hold for
 * a whole value.
 * @throws SyntaxError for a regular expression that isn't one; later, when it has to look at too much
 */
export function matches({ by, value }: Matcher): (own: string) => boolean {
  if (by === '=') return (own) => own === value
  if (by === '!=') return (own) => own !== value
  const pattern = new Pattern(value)
  const isWanted = by === '=~'
  const remembered = new Map<string, boolean>()
  return (own) => {
    const known = remembered.get(own)
    if (known !== undefined) return known
    const isSo = pattern.test(own) === isWanted
    if (pattern.work > workMax) throw new SyntaxError('a regular expression takes too long: make it shorter')
    if (remembered.size < rememberedMax) remembered.set(own, isSo)
    return isSo
  }
}

/** Tells label sets apart. */
export const keyOf = (labels: Labels): string => {
  const names = Object.keys(labels).sort()
  return names.map((name) => `${name}\0${labels[name]}`).join('\x01')
}
