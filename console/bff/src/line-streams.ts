/** Lines of JSON that go on coming: for as long as the page reads, and no more pages at once than there are places. */
import type { ServerResponse } from 'node:http'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { addressKey, Places } from '@svyaz/listener'
import { Problem } from '@svyaz/stage'
import type { Call, Parts } from './route.ts'

export class LineStreams {
  readonly #places: Places
  readonly #ending: AbortSignal
  readonly #what: string

  /** @param what there may be too many of, for the one who is refused: "too many logs are being read" */
  constructor({ ending }: Pick<Parts, 'ending'>, places: { max: number; perAddressMax: number }, what: string) {
    this.#places = new Places(places.max, places.perAddressMax)
    this.#ending = ending
    this.#what = what
  }

  /**
   * Takes a place for as long as the work lasts.
   * @param work gets a signal that aborts when the page has gone or this server ends
   * @throws Problem 503 when all places are taken, 429 when that address has its share; whatever the work throws
   */
  async during({ request, response }: Call, work: (signal: AbortSignal) => Promise<void>): Promise<void> {
    const release = this.#places.take(addressKey(request.socket.remoteAddress ?? ''))
    if (typeof release === 'string')
      throw new Problem(release === 'all' ? 503 : 429, 'overloaded', `too many ${this.#what}`)
    try {
      await work(whilePageIsThere(response, { ending: this.#ending }))
    } finally {
      release()
    }
  }
}

/** Aborts when the page has gone or this server ends. */
export function whilePageIsThere(response: ServerResponse, { ending }: Pick<Parts, 'ending'>): AbortSignal {
  const gone = new AbortController()
  response.once('close', () => gone.abort())
  return AbortSignal.any([gone.signal, ending])
}

/** Begins the answer: what is refused from here on breaks it off. */
function beginLines(response: ServerResponse): void {
  response.writeHead(200, {
    'content-type': 'application/x-ndjson; charset=utf-8',
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
  })
  response.flushHeaders()
}

/** Lines as they are. A page that goes, and lines that break, end it. */
export async function sendLines(response: ServerResponse, body: Readable): Promise<void> {
  beginLines(response)
  await pipeline(body, response).catch(() => undefined)
}

/** A line of JSON for each of them, as {@link sendLines} does it. */
export async function sendJsonLines(response: ServerResponse, values: AsyncIterable<unknown>): Promise<void> {
  const lines = async function* () {
    for await (const value of values) yield `${JSON.stringify(value)}\n`
  }
  await sendLines(response, Readable.from(lines()))
}
