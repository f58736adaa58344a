/** What a browser gets from the console: the page with all that it loads, answers with their headers, live messages. */

import { ask } from '@svyaz/observe/http.ts'
import { until } from '@svyaz/observe/until.ts'
import type { Outside } from './outside.ts'

/** A thing that reached the browser, and the tokens in it, cut: evidence must not hold a token either. */
export interface Reached {
  readonly what: string
  readonly chars: number
  readonly tokens: readonly string[]
}

/** Opaque tokens of users (`svya_`, `svyr_`), JWTs, and whatever is named as one, wherever in the text they are. */
const shapes: readonly RegExp[] = [
  /svy[ar]_[\w-]{16,}/g,
  /eyJ[\w-]{8,}\.eyJ[\w-]{8,}\.[\w-]*/g,
  /Bearer\s+[\w.~+/-]{16,}/g,
  /["']?(?:access|refresh|id)_?token["']?\s*[:=]\s*["'][^"']{16,}/gi,
]

/** The first characters of each token found. Pure. */
export const tokensIn = (text: string): string[] =>
  shapes.flatMap((shape) => [...text.matchAll(shape)].map(([found]) => `${found.slice(0, 12)}…`))

/** A text that reached the browser, with the tokens in it. Pure. */
export const reached = (what: string, text: string): Reached => ({
  what,
  chars: text.length,
  tokens: [...new Set(tokensIn(text))],
})

/** Files that a page or a script of it names. */
const filesIn = (text: string): string[] =>
  [...text.matchAll(/["'(](?:\.\/|\/)?((?:[\w-]+\/)*[\w.-]+\.(?:js|css|json))["')]/g)].map(([, path]) => path!)

const filesMax = 80

/** The page and everything that it loads, scripts of scripts too. */
export async function pageWithFiles(outside: Outside, base: string, page: string): Promise<Reached[]> {
  const seen = new Map<string, Reached>()
  const found = filesIn(page).map((path) => `/${path}`)
  for (let path = found.shift(); path !== undefined && seen.size < filesMax; path = found.shift()) {
    if (seen.has(path)) continue
    const { status, body } = await ask('GET', `${base}${path}`)
    if (status !== 200) continue
    const text = typeof body === 'string' ? body : JSON.stringify(body)
    seen.set(path, reached(path, text))
    const folder = path.slice(0, path.lastIndexOf('/') + 1)
    for (const file of filesIn(text)) found.push(`${folder}${file}`, `/${file}`)
  }
  const files = [...seen.values()]
  outside.note(
    `${base}/ and all that it loads`,
    `${files.length} files, ${files.reduce((sum, { chars }) => sum + chars, 0)} characters`,
  )
  return [reached('/', page), ...files]
}

/** The page's live connection; keeps every message as it came. */
export class LivePage implements Disposable {
  readonly texts: string[] = []
  readonly #socket: WebSocket

  constructor(base: string, headers: Readonly<Record<string, string>>) {
    this.#socket = new WebSocket(`${base.replace(/^http/, 'ws')}/api/live`, { headers })
    this.#socket.onmessage = ({ data }) => this.texts.push(String(data))
  }

  /** Until a message has these words. */
  until(what: string, words: readonly string[]): Promise<string> {
    return until(`a live message with ${what}`, () =>
      this.texts.find((text) => words.every((word) => text.includes(word))),
    )
  }

  [Symbol.dispose](): void {
    this.#socket.close(1000)
  }
}
