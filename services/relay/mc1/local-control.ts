/**
 * `GET /start/` changes something, so the browser of a person at this machine must not be led to it by another site:
 * neither by a link or an image (`Sec-Fetch-Site`), nor by a script (`Origin`), nor by DNS rebinding (`Host`). Pure.
 */
import { Failure } from '@svyaz/kit'

type Headers = Readonly<Record<string, string | undefined>>

/** @throws Failure `forbidden` */
export const mayControl = (headers: Headers): void => {
  const host = nameOf(`http://${headers.host ?? ''}`)
  if (host === undefined || !isOurs(host)) throw new Failure('forbidden', 'not under this name')
  const site = headers['sec-fetch-site']
  if (site === 'cross-site') throw new Failure('forbidden', 'not from another site')
  const { origin } = headers
  if (origin === undefined) return
  const from = nameOf(origin)
  if (from === undefined || !isOurs(from)) throw new Failure('forbidden', 'not from another site')
}

const nameOf = (url: string): string | undefined => URL.parse(url)?.hostname

/** An address, `localhost`, or a name without a dot (a container's): none of them can be pointed here by a stranger. */
const isOurs = (host: string): boolean =>
  /^\d+\.\d+\.\d+\.\d+$/.test(host) || host.startsWith('[') || !host.includes('.') || host.endsWith('.localhost')
