/** Rules about single files: alive, short, and not reading the environment. */
import { posix } from 'node:path'
import {
  exportEntries,
  type Finding,
  isGenerated,
  isTest,
  type Package,
  type Project,
  resolveImport,
} from './project.ts'

/** Where `process.env` may be read. Everything else gets its settings as arguments. */
const environmentReaders: readonly RegExp[] = [
  /(?:^|\/)config(?:uration)?\.ts$/,
  // The kit's process edge: it reads the environment once and hands values on.
  /^platform\/kit\/src\/(?:run|process\/(?:process|environment))\.ts$/,
  /(?:^|\/)main\.ts$/,
  // Starts whole systems for tests, and hands them this process's environment.
  /^system\/src\/testing\.ts$/,
  /^cli\/src\//,
  /^lab\/.*\/cli\.ts$/,
  /(?:^|\/)[\w.-]+\.config\.(?:ts|mjs)$/,
  /^tools\//,
  /^bin\//,
]

/** Finds `process.env` outside configuration. */
export function checkEnvironment(project: Project): Finding[] {
  return project.sources
    .filter(({ path }) => !isTest(path) && !environmentReaders.some((pattern) => pattern.test(path)))
    .flatMap(({ path, environmentLines }) =>
      environmentLines.map((line) => ({ path, line, message: 'only configuration files read process.env' })),
    )
}

const linesMax = 500

/** A longer file says why in its opening comment, with the words "long because". */
export function checkLength(project: Project): Finding[] {
  return project.sources
    .filter(
      ({ path, lineCount, openingComment }) =>
        lineCount > linesMax && !isGenerated(path) && !/\blong because\b/i.test(openingComment),
    )
    .map(({ path, lineCount }) => ({
      path,
      message: `${lineCount} lines; above ${linesMax} the opening comment says why ("long because …")`,
    }))
}

/** Entry files by the layout of STYLE.md: a process starts at main.ts, tools and tests start by themselves. */
const entries: readonly RegExp[] = [
  /(?:^|\/)main\.tsx?$/,
  /\.test\.(?:ts|mjs)$/,
  /^tools\/[^/]+$/,
  /^bin\//,
  /\.config\.(?:ts|mjs)$/,
  // Found by the page itself: import.meta.glob in console/web/src/main.tsx.
  /^console\/web\/src\/tabs\/[^/]+\/tab\.tsx$/,
  // Types of a module that is made while the page is built.
  /^console\/web\/src\/declared\.d\.ts$/,
]

/** Files that nothing reaches: no entry, no export, no script and no file name in one that is reached. */
export function checkDead(project: Project): Finding[] {
  const known = new Map(project.sources.map((source) => [source.path, source]))
  const fixtures = new Map(
    [...known.keys()].flatMap((path) => {
      const stem = /\/fixtures\/([^/]+)\.ts$/.exec(path)?.[1]
      return stem ? [[stem, path]] : []
    }),
  )
  const reached = new Set<string>()
  const pending = [
    ...[...known.keys()].filter((path) => entries.some((pattern) => pattern.test(path))),
    ...project.packages.flatMap((holder) => namedBy(holder, [...known.keys()])),
  ]
  for (let path = pending.pop(); path !== undefined; path = pending.pop()) {
    const source = known.get(path)
    if (!source || reached.has(path)) continue
    reached.add(path)
    for (const { specifier } of source.imports) pending.push(resolveImport(project, path, specifier) ?? '')
    for (const word of source.words) pending.push(fixtures.get(word) ?? '')
    for (const name of source.fileNames) pending.push(name, posix.join(posix.dirname(path), name), ...above(path, name))
  }
  return [...known.keys()]
    .filter((path) => !reached.has(path) && !isGenerated(path))
    .map((path) => ({ path, message: 'nothing imports, exports, starts or names it' }))
}

/** A name such as `src/main.ts` may be meant from any folder above the file that says it. */
function above(path: string, name: string): string[] {
  const folders = posix.dirname(path).split('/')
  return folders.map((_, depth) => posix.join(...folders.slice(0, depth), name))
}

function namedBy({ folder, manifest }: Package, paths: string[]): string[] {
  const exported = exportEntries(manifest).map(([, file]) => file)
  const programs = typeof manifest.bin === 'string' ? [manifest.bin] : Object.values(manifest.bin ?? {})
  const scripts = Object.values(manifest.scripts ?? {}).flatMap((line) =>
    line.split(/\s+/).filter((word) => /\.(?:ts|mjs)$/.test(word)),
  )
  return [...exported, ...programs, ...scripts].flatMap((file) => {
    const target = posix.join(folder, file)
    if (!target.includes('*')) return [target]
    const [prefix = '', suffix = ''] = target.split('*')
    return paths.filter((path) => path.startsWith(prefix) && path.endsWith(suffix))
  })
}
