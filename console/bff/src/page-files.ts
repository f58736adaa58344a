/**
 * The built page: made by Vite when a source of it has changed (docs/decisions/0040), by a process of its own and of
 * low priority, so that the start of everything else doesn't wait for it; then kept in memory, it is small.
 */
import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, globSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync } from 'node:fs'
import { createRequire } from 'node:module'
import { constants, setPriority } from 'node:os'
import { dirname, extname, join, sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import { limits } from './limits.ts'

/** Content codings that the build makes beside each file, best first, with the ending of their names. */
const codings = [
  ['br', '.br'],
  ['gzip', '.gz'],
] as const
export type Coding = (typeof codings)[number][0]

export interface Form {
  readonly body: Buffer
  /** Strong, with its quotes: of these bytes alone. */
  readonly etag: string
}

export interface PageFile {
  readonly type: string
  readonly plain: Form
  /** Compressed, best first; empty where that gains nothing. */
  readonly forms: ReadonlyMap<Coding, Form>
  /** Its name has a hash of its content: it never changes. */
  readonly immutable: boolean
}

export type PageFiles = ReadonlyMap<string, PageFile>

const consoleFolder = fileURLToPath(new URL('../../', import.meta.url))
const keptForMs = 24 * 60 * 60 * 1000

const types: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.json': 'application/json',
  '.webmanifest': 'application/manifest+json',
}

/**
 * The page as files by path, built if need be.
 *
 * @param cache folder that built pages are in, each in a folder named for what it was built from
 * @throws Error with Vite's words when it can't be built
 */
export async function pageFiles(cache: string, signal: AbortSignal): Promise<PageFiles> {
  const folder = join(cache, keyOfSources())
  if (!existsSync(join(folder, 'index.html'))) await build(cache, folder, signal)
  return filesOf(folder)
}

/** A page that was built into a folder, here or with the image that this runs in. */
export function filesOf(folder: string): PageFiles {
  const paths = readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
  const all = new Set(paths)
  const isForm = (path: string) =>
    codings.some(([, ending]) => path.endsWith(ending) && all.has(path.slice(0, -ending.length)))
  return new Map(
    paths
      .filter((path) => !isForm(path))
      .map((path): [string, PageFile] => {
        const name = path.slice(folder.length).split(sep).join('/')
        const type = types[extname(name)] ?? 'application/octet-stream'
        const forms = codings.flatMap(([coding, ending]): [Coding, Form][] =>
          all.has(path + ending) ? [[coding, formOf(path + ending)]] : [],
        )
        return [name, { type, plain: formOf(path), forms: new Map(forms), immutable: name.startsWith('/assets/') }]
      }),
  )
}

function formOf(path: string): Form {
  const body = readFileSync(path)
  return { body, etag: `"${createHash('sha256').update(body).digest('base64url').slice(0, 22)}"` }
}

/** Everything that the result depends on: the sources, how they are built, and with which versions. */
function keyOfSources(): string {
  const hash = createHash('sha256')
  const require = createRequire(import.meta.url)
  const sources = globSync(['protocol.ts', 'web/**/*.*'], { cwd: consoleFolder }).filter(
    (path) => !/\.test\.tsx?$/.test(path),
  )
  for (const path of sources.sort()) hash.update(`${path}\0`).update(readFileSync(join(consoleFolder, path)))
  // The page carries what the contracts declare (web/declared.ts, web/declared-api.ts).
  const contracts = dirname(require.resolve('@svyaz/contracts/vocabulary.ts'))
  for (const path of globSync(['*.ts', 'events/*.ts', 'http/*.ts', 'proto/*.ts', 'generated/*.json', '*/generated/*'], {
    cwd: contracts,
  }).sort())
    hash.update(`${path}\0`).update(readFileSync(join(contracts, path)))
  for (const name of ['vite', 'rolldown', 'react', 'react-dom'])
    hash.update(`${name} ${(require(`${name}/package.json`) as { version: string }).version}\0`)
  return hash.digest('hex').slice(0, 24)
}

async function build(cache: string, folder: string, signal: AbortSignal): Promise<void> {
  mkdirSync(cache, { recursive: true })
  const unfinished = `${folder}-unfinished-${process.pid}`
  try {
    await runBuild(unfinished, signal)
    try {
      renameSync(unfinished, folder)
    } catch (error) {
      // Another console was first, with the same content.
      if (!existsSync(join(folder, 'index.html'))) throw error
    }
  } finally {
    rmSync(unfinished, { recursive: true, force: true })
  }
  for (const name of readdirSync(cache)) {
    const path = join(cache, name)
    const ageMs = Date.now() - (statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0)
    if (path !== folder && ageMs > keptForMs) rmSync(path, { recursive: true, force: true })
  }
}

function runBuild(target: string, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [join(consoleFolder, 'web/build.ts'), target], {
      cwd: join(consoleFolder, 'web'),
      stdio: ['ignore', 'pipe', 'pipe'],
      signal: AbortSignal.any([signal, AbortSignal.timeout(limits.buildTimeoutMs)]),
    })
    try {
      if (child.pid !== undefined) setPriority(child.pid, constants.priority.PRIORITY_LOW)
    } catch {
      // It may have ended already; then there is nothing to slow down.
    }
    let words = ''
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (chunk: Buffer) => {
        words = (words + chunk).slice(-4_000)
      })
    child.once('error', reject)
    child.once('close', (code) =>
      code === 0 ? resolve() : reject(new Error(`the page could not be built:\n${words}`)),
    )
  })
}
