/** R1.4: one operation over three versions of HTTP. */
import { readFileSync } from 'node:fs'
import { installedCaddy, startCaddy } from '@svyaz/observe/caddy.ts'
import {
  getOverHttp1,
  getOverHttp2,
  getOverHttp3,
  pythonWithHttp3,
  type VersionedAnswer,
} from '@svyaz/observe/http-versions.ts'
import { certificateFiles } from '@svyaz/system/certificates/local-authority.ts'
import { placesIn } from '@svyaz/system/supervisor/places.ts'
import type { Outside } from '../outside.ts'
import { faultsOf, proof } from '../proof.ts'
import { NotRun } from '../step.ts'

/** An edge that runs already (`up --edge`), or Caddy in front of the running gateway for as long as this takes. */
async function edgeOf(outside: Outside): Promise<AsyncDisposable & { port: number }> {
  const [running] = await outside.instances('edge')
  const port = running?.ports.https
  if (port !== undefined) return { port, [Symbol.asyncDispose]: async () => {} }
  const caddy = installedCaddy(outside.shared.environment)
  if (caddy === undefined)
    throw new NotRun('no Caddy is installed, which speaks HTTP/3 (docs/http-versions.md says how)')
  const { certificate, key } = certificateFiles(placesIn(outside.shared.home).keys)
  const behind = new URL(await outside.url('gateway')).host
  return startCaddy(caddy, { behind, certificate, key })
}

const kept = ({ version, status, headers, body }: VersionedAnswer) => ({
  version,
  status,
  type: headers['content-type'] ?? '',
  altSvc: headers['alt-svc'] ?? '',
  products: (JSON.parse(body) as { id: string }[]).map(({ id }) => id),
})

export const versions = proof({
  gather: async (outside) => {
    const python = pythonWithHttp3(outside.shared.environment)
    if (python === undefined)
      throw new NotRun(
        'no Python with aioquic, a client for HTTP/3: pip install aioquic, and SVYAZ_PYTHON if it isn’t python3',
      )
    const files = certificateFiles(placesIn(outside.shared.home).keys)
    const authority = readFileSync(files.authority, 'utf8')
    const gateway = { url: `${(await outside.url('gateway', 'https')).replace('http:', 'https:')}/products`, authority }
    const asked = async (command: string, answer: Promise<VersionedAnswer>) => {
      const known = kept(await answer)
      outside.note(command, `HTTP/${known.version} ${known.status}, ${known.products.length} products`)
      return known
    }
    const curl = `curl --cacert ${files.authority}`
    const first = await asked(`${curl} --http1.1 ${gateway.url}`, getOverHttp1(gateway))
    const second = await asked(`${curl} --http2 ${gateway.url}`, getOverHttp2(gateway))
    await using edge = await edgeOf(outside)
    const url = `https://localhost:${edge.port}/products`
    const atEdge = await asked(`${curl} --http2 ${url}`, getOverHttp2({ url, authority }))
    const third = await asked(
      `${python} lab/observe/http3.py ${url} ${files.authority} 1 1`,
      getOverHttp3(python, url, files.authority).then(({ answers }) => answers[0]!),
    )
    return { answers: [first, second, third], altSvc: atEdge.altSvc }
  },
  judge: ({ answers, altSvc }) =>
    faultsOf(
      [
        answers.map(({ version }) => version).join() === '1.1,2,3',
        `what was spoken: HTTP/${answers.map(({ version }) => version).join(', ')}, instead of 1.1, 2 and 3`,
      ],
      [
        answers.every(({ status }) => status === 200),
        `the answers have the status ${answers.map(({ status }) => status).join(', ')}`,
      ],
      [
        answers.every(({ products, type }) => products.length > 0 && type === answers[0]?.type) &&
          new Set(answers.map(({ products }) => products.join())).size === 1,
        'the answers are not the same',
      ],
      [/\bh3=":\d+"/.test(altSvc), 'the edge doesn’t say in Alt-Svc that it speaks HTTP/3'],
    ),
})
