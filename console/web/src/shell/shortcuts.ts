/** What a key means for the page as a whole. Pure. */
import type { Overlay } from './overlay.ts'

export interface Stroke {
  /** `KeyboardEvent.key`. */
  readonly key: string
  /** With Ctrl, or ⌘. */
  readonly command: boolean
  /** Somebody is writing into a field. */
  readonly typing: boolean
  readonly atMs: number
}

export interface Keys {
  /** When G was pressed last: a letter that follows soon names a page. */
  wentAtMs: number
}

export const emptyKeys: Keys = { wentAtMs: Number.NEGATIVE_INFINITY }

/** How long after G a letter may come. */
export const followMs = 1_500

export interface Meaning extends Keys {
  readonly open?: Overlay
  /** A path to go to. */
  readonly to?: string
}

/**
 * What is to be done for a key.
 * @param letters paths by the letter that opens them after a G
 * @param single whether keys without Ctrl mean something: people who dictate switch them off (WCAG 2.1.4)
 */
export function strokeMeans(
  keys: Keys,
  { key, command, typing, atMs }: Stroke,
  letters: ReadonlyMap<string, string>,
  single: boolean,
): Meaning {
  const nothing = { wentAtMs: Number.NEGATIVE_INFINITY }
  const letter = latinOf(key.toLowerCase())
  if (command) return letter === 'k' ? { ...nothing, open: 'palette' } : nothing
  if (typing || !single) return nothing
  if (key === '/') return { ...nothing, open: 'palette' }
  if (key === '?') return { ...nothing, open: 'keys' }
  if (atMs - keys.wentAtMs <= followMs) {
    const to = letters.get(letter)
    return to === undefined ? nothing : { ...nothing, to }
  }
  return letter === 'g' ? { wentAtMs: atMs } : nothing
}

const cyrillic = 'йцукенгшщзфывапролдячсмить'
const latin = 'qwertyuiopasdfghjklzxcvbnm'

/** The letter on the same key of an English keyboard: shortcuts work in the Russian layout too. */
function latinOf(letter: string): string {
  const at = cyrillic.indexOf(letter)
  return letter.length === 1 && at >= 0 ? (latin[at] ?? letter) : letter
}
