/**
 * `GET /start/` changes something, so the browser of a person at this machine must not be led to it by another site:
 * neither by a link or an image (`Sec-Fetch-Site`), nor by a script (`Origin`), nor by DNS rebinding (`Host`). Another
 * port of this machine is another site too: whatever runs there may show anybody's pages. Pure.
 */
import { Failure } from '@svyaz/kit'

type Headers = Readonly<Record<string, string | undefined>>

/**
 * @param origins whose pages may do it, beside our own
 * @throws Failure `forbidden`
 */
export const mayControl = (headers: Headers, origins: readonly string[]): void => {
  const host = nameOf(`http://${headers.host ?? ''}`)
  if (host === undefined || !isOurs(host)) throw new Failure('forbidden', 'not under this name')
  const { origin } = headers
  if (origin !== undefined) {
    if (origins.includes(origin) || origin === `http://${headers.host}`) return
    throw new Failure('forbidden', 'not from a page of another origin')
  }
  // Browsers leave Origin out of plain GETs, never this one.
  const site = headers['sec-fetch-site'] ?? 'none'
  if (site !== 'none' && site !== 'same-origin') throw new Failure('forbidden', 'not from another site')
}

const nameOf = (url: string): string | undefined => URL.parse(url)?.hostname

/** An address, `localhost`, or a name without a dot (a container's): none of them can be pointed here by a stranger. */
const isOurs = (host: string): boolean =>
  /^\d+\.\d+\.\d+\.\d+$/.test(host) || host.startsWith('[') || !host.includes('.') || host.endsWith('.localhost')
