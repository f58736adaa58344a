/**
 * One page over HTTP/1.1, HTTP/2 and HTTP/3, side by side: `npm run bench:http -- [--rounds 5] [--requests 2000] [--out
 * file]`. Caddy serves (the file of deploy/edge), Chromium asks, over loopback and over a link that is 50 ms away, without
 * loss and with 2 %; all of it in a network namespace of its own, so it wants root. Raw figures of every round go to the
 * file; docs/http-versions.md is made from it.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { createHash, X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { availableParallelism, cpus, loadavg, tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { installedCaddy } from '@svyaz/observe/caddy.ts'
import { pythonWithHttp3 } from '@svyaz/observe/http-versions.ts'
import { programOf } from '@svyaz/observe/program.ts'
import { ensureCertificates } from '@svyaz/system/certificates/local-authority.ts'
import { costs } from './cost.ts'
import { headerBytes } from './header-bytes.ts'
import type { Round } from './page.ts'

const { values } = programOf({
  command: 'npm run bench:http --',
  about: 'One page over HTTP/1.1, HTTP/2 and HTTP/3, in a network namespace of its own (so it wants root).',
  options: {
    rounds: { takes: 'n', range: { min: 1, max: 100 }, default: 5, about: 'each version once in each' },
    requests: { takes: 'n', range: { min: 1, max: 1_000_000 }, default: 2_000, about: 'for the processor time of one' },
    out: { takes: 'file', default: join(import.meta.dirname, '..', 'results', 'http.json'), about: 'the raw figures' },
    inside: {},
  },
})
const { rounds } = values
const atOnce = 100
const chromium = process.env.SVYAZ_CHROMIUM ?? '/usr/bin/chromium'

export interface Link {
  readonly name: string
  /** Of each way, and how many of a hundred packets are lost. */
  readonly delayMs: number
  readonly lossPercent: number
}

const links: readonly Link[] = [
  { name: 'loopback', delayMs: 0, lossPercent: 0 },
  { name: '50 ms', delayMs: 25, lossPercent: 0 },
  { name: '50 ms, 2 % lost', delayMs: 25, lossPercent: 2 },
]
const versions = ['1.1', '2', '3'] as const

/** What the file has for each round of each link. */
export type PageRow = Round & { readonly link: string; readonly round: number }

if (values.inside) await measure()
else await inNamespace()

/** The same command again in a network namespace of its own, where it may make links and open any port. */
async function inNamespace(): Promise<void> {
  const child = spawn(
    'unshare',
    ['--net', process.execPath, ...process.execArgv, ...process.argv.slice(1), '--inside'],
    {
      stdio: 'inherit',
    },
  )
  child.once('error', () => {
    process.stderr.write('bench:http needs unshare(1), and root for a network namespace of its own\n')
    process.exitCode = 1
  })
  const [code] = await once(child, 'exit')
  process.exitCode = code ?? 1
}

async function measure(): Promise<void> {
  const caddy = installedCaddy(process.env)
  if (caddy === undefined) throw new Error('no Caddy is installed (docs/http-versions.md says how)')
  const folder = mkdtempSync(join(tmpdir(), 'svyaz-bench-http-'))
  const load = loadavg()[0] ?? 0
  try {
    await run('ip', ['link', 'set', 'lo', 'up'])
    const files = ensureCertificates(folder, Date.now())
    const headers = await headerBytes(pythonWithHttp3(process.env))
    const cost = await costs(files, { rounds, requests: values.requests })
    const pages = await measurePages(caddy, folder, files)
    const machine = `${availableParallelism()} × ${cpus()[0]?.model}, Node ${process.version}`
    const result = {
      command: `npm run bench:http -- --rounds ${rounds} --requests ${values.requests}`,
      at: new Date().toISOString(),
      machine,
      load,
      atOnce,
      links,
      headers,
      cost,
      pages,
    }
    writeFileSync(values.out, `${JSON.stringify(result)}\n`)
    process.stdout.write(`written: ${values.out}; npm run docs makes docs/http-versions.md of it\n`)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

async function measurePages(
  caddy: string,
  folder: string,
  files: { certificate: string; key: string },
): Promise<PageRow[]> {
  const origin = spawn(process.execPath, [join(import.meta.dirname, 'origin.ts')], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const port = await firstLine(origin)
  const edge = spawn(
    caddy,
    ['run', '--config', join(import.meta.dirname, '../../../deploy/edge/Caddyfile'), '--adapter', 'caddyfile'],
    {
      stdio: 'ignore',
      env: {
        HOME: folder,
        XDG_DATA_HOME: folder,
        XDG_CONFIG_HOME: folder,
        SVYAZ_EDGE_HOST: '0.0.0.0',
        SVYAZ_GATEWAYS: `127.0.0.1:${port}`,
        SVYAZ_CERTIFICATE_FILE: files.certificate,
        SVYAZ_CERTIFICATE_KEY_FILE: files.key,
      },
    },
  )
  const rows: PageRow[] = []
  try {
    for (let round = 0; round < rounds; round++)
      for (const link of links) {
        await using _ = await openLink(link, round)
        for (const version of versions) {
          const row = { ...(await onePage(version, link, files.certificate)), link: link.name, round }
          process.stdout.write(
            `${link.name}, HTTP/${version}: first ${row.firstMs.toFixed(0)} ms, ${atOnce} in ${row.allMs.toFixed(0)} ms (${row.spoken.join()})\n`,
          )
          rows.push(row)
        }
      }
  } finally {
    edge.kill()
    origin.kill()
  }
  return rows
}

/** The lossy link with another seed each round: none is lucky every time. */
async function openLink({ delayMs, lossPercent }: Link, round: number): Promise<AsyncDisposable> {
  if (delayMs === 0 && lossPercent === 0) return { [Symbol.asyncDispose]: async () => {} }
  const script = join(import.meta.dirname, 'lossy-link.py')
  const link = spawn('python3', [script, String(delayMs), String(lossPercent / 100), String(round + 1)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  await firstLine(link)
  return {
    async [Symbol.asyncDispose]() {
      const gone = once(link, 'exit')
      link.kill()
      await gone
    },
  }
}

async function onePage(version: string, link: Link, certificateFile: string): Promise<Round> {
  const { publicKey } = new X509Certificate(readFileSync(certificateFile))
  const spki = createHash('sha256')
    .update(publicKey.export({ type: 'spki', format: 'der' }))
    .digest('base64')
  const host = link.delayMs === 0 ? '127.0.0.1' : '10.9.0.2'
  const args = [
    join(import.meta.dirname, 'page.ts'),
    version,
    `https://${host}:8444`,
    spki,
    '1',
    String(atOnce),
    chromium,
  ]
  const page = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  return JSON.parse(await firstLine(page)) as Round
}

/** Rejects when the process ends without one. */
async function firstLine(child: ChildProcess): Promise<string> {
  for await (const line of createInterface({ input: child.stdout! })) return line
  throw new Error(`${child.spawnargs[1]} ended without a word`)
}

async function run(program: string, args: readonly string[]): Promise<void> {
  const [code] = await once(spawn(program, [...args], { stdio: 'inherit' }), 'exit')
  if (code !== 0) throw new Error(`${program} ${args.join(' ')} ended with ${code}`)
}
