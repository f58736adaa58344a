/**
 * Answers of a bounded size. Whoever asks over MCP pays for every character with room to think in, so an answer is cut
 * where it is too long, and says what was left out and how to get it.
 */

/** About eight thousand tokens. */
export const charactersMax = 30_000
/** Of one text inside an answer: a stack or a payload is recognised by its beginning. */
const textMax = 2_000
const shortTextMax = 200

type Value = unknown
type Fields = Readonly<Record<string, Value>>

/**
 * An answer as JSON of at most `max` characters. Lists at its top are cut at their end, so what matters most comes
 * first in them; long texts are cut anywhere.
 *
 * @returns JSON; `leftOut` in it says what isn't there, a sentence each, and is absent when all is
 */
export function fit(answer: Fields, max: number = charactersMax): string {
  for (const textsMax of [textMax, shortTextMax]) {
    const fitted = cutLists(withShortTexts(answer, textsMax), max, textsMax)
    if (fitted !== undefined) return fitted
  }
  const sizes = Object.entries(answer).map(([name, value]) => `${name} (${JSON.stringify(value)?.length ?? 0})`)
  return JSON.stringify({
    leftOut: [`all of it: longer than ${max} characters even when cut. Its parts and their sizes: ${sizes.join(', ')}`],
  }).slice(0, max)
}

/** Cuts whichever list is the longest, by half, until all fits. */
function cutLists({ value, cut }: Shortened, max: number, textsMax: number): string | undefined {
  const kept: Record<string, Value> = { ...(value as Fields) }
  const whole = new Map(Object.entries(kept).flatMap(([name, one]) => (Array.isArray(one) ? [[name, one.length]] : [])))
  const written = (): string => {
    const leftOut = [
      ...[...whole].flatMap(([name, length]) => {
        const missing = length - (kept[name] as Value[]).length
        return missing === 0
          ? []
          : [`${missing} of ${length} ${name}, the last ones: ask for fewer, or filter, to see them`]
      }),
      ...(cut === 0 ? [] : [`the ends of ${cut} texts longer than ${textsMax} characters, marked with …`]),
    ]
    return JSON.stringify(leftOut.length === 0 ? kept : { ...kept, leftOut })
  }
  for (let text = written(); ; text = written()) {
    if (text.length <= max) return text
    const [longest] = [...whole.keys()]
      .filter((name) => (kept[name] as Value[]).length > 1)
      .map((name) => ({ name, size: JSON.stringify(kept[name]).length }))
      .sort((a, b) => b.size - a.size)
    if (longest === undefined) return undefined
    const list = kept[longest.name] as Value[]
    kept[longest.name] = list.slice(0, Math.floor(list.length / 2))
  }
}

interface Shortened {
  readonly value: Value
  /** How many texts were cut. */
  readonly cut: number
}

function withShortTexts(value: Value, max: number): Shortened {
  let cut = 0
  const shorten = (one: Value): Value => {
    if (typeof one === 'string' && one.length > max) {
      cut += 1
      return `${one.slice(0, max)}… (${one.length - max} more characters)`
    }
    if (Array.isArray(one)) return one.map(shorten)
    if (typeof one !== 'object' || one === null) return one
    return Object.fromEntries(Object.entries(one).map(([name, inner]) => [name, shorten(inner)]))
  }
  return { value: shorten(value), cut }
}
