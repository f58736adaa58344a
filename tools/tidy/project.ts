/** The checkout as values: sources, pages, packages, lock files, and where an import leads. Rules are functions of it. */
import { existsSync, globSync, readFileSync } from 'node:fs'
import { dirname, join, posix } from 'node:path'
import { readSource, type Source } from './source.ts'

export interface Manifest {
  name?: string
  version?: string
  type?: string
  exports?: unknown
  bin?: string | Record<string, string>
  scripts?: Record<string, string>
  dependencies?: Record<string, string>
  devDependencies?: Record<string, string>
  optionalDependencies?: Record<string, string>
  peerDependencies?: Record<string, string>
}

export interface Package {
  /** Folder from the checkout's root, '' for the root itself. */
  folder: string
  manifest: Manifest
}

export interface LockedPackage {
  version?: string
  link?: boolean
  inBundle?: boolean
  integrity?: string
  optionalDependencies?: Record<string, string>
}

export interface Lock {
  /** Folder of the package-lock.json. */
  folder: string
  packages: Record<string, LockedPackage>
}

export interface Page {
  /** Path from the checkout's root, with slashes. */
  path: string
  text: string
}

export interface Project {
  sources: Source[]
  /** Every Markdown file. */
  pages: Page[]
  packages: Package[]
  locks: Lock[]
}

export interface Finding {
  path: string
  line?: number
  message: string
}

const ignored = ['**/node_modules/**', '**/.svyaz/**', '**/dist/**', '**/coverage/**']

/**
 * The sources, pages and manifests of the project.
 * @param root folder of the checkout
 */
export function readProject(root: string): Project {
  const list = (pattern: string) =>
    globSync(pattern, { cwd: root, exclude: ignored })
      .map((path) => path.replaceAll('\\', '/'))
      .sort()
  const text = (path: string) => readFileSync(join(root, path), 'utf8')
  const packages = list('**/package.json').map((path) => ({
    folder: folderOf(path),
    manifest: JSON.parse(text(path)) as Manifest,
  }))
  return {
    sources: list('**/*.{ts,tsx,mts,mjs}').map((path) => readSource(path, text(path))),
    pages: list('**/*.md').map((path) => ({ path, text: text(path) })),
    packages,
    locks: packages
      .filter(({ folder }) => existsSync(join(root, folder, 'package-lock.json')))
      .map(({ folder }) => ({
        folder,
        packages: (JSON.parse(text(posix.join(folder, 'package-lock.json'))) as { packages: Lock['packages'] })
          .packages,
      })),
  }
}

function folderOf(path: string): string {
  const folder = dirname(path)
  return folder === '.' ? '' : folder
}

/** The package that a file belongs to: the deepest folder above it with a package.json. */
export function packageOf(project: Project, path: string): Package {
  const holding = project.packages.filter(({ folder }) => folder === '' || path.startsWith(`${folder}/`))
  const deepest = holding.sort((a, b) => b.folder.length - a.folder.length)[0]
  if (!deepest) throw new Error(`no package.json above ${path}`)
  return deepest
}

/** `@scope/name` or `name` of a specifier, undefined for a relative path and for what Node brings itself. */
export function packageNameOf(specifier: string): string | undefined {
  if (/^[./#]|^[a-z]+:/.test(specifier)) return undefined
  return /^(?:@[^/]+\/)?[^/]+/.exec(specifier)?.[0]
}

/** The source file that an import leads to, if it is in this project. */
export function resolveImport(project: Project, from: string, specifier: string): string | undefined {
  if (specifier.startsWith('.')) return posix.normalize(posix.join(posix.dirname(from), specifier))
  const name = packageNameOf(specifier)
  const target = project.packages.find(({ manifest }) => name !== undefined && manifest.name === name)
  if (!name || !target) return undefined
  return exportTarget(target, `.${specifier.slice(name.length)}`)
}

function exportTarget(target: Package, subpath: string): string | undefined {
  for (const [pattern, file] of exportEntries(target.manifest)) {
    const [prefix = '', suffix] = pattern.split('*')
    if (suffix === undefined ? pattern === subpath : subpath.startsWith(prefix) && subpath.endsWith(suffix)) {
      const middle = suffix === undefined ? '' : subpath.slice(prefix.length, subpath.length - suffix.length)
      return posix.join(target.folder, file.replaceAll('*', middle))
    }
  }
  return undefined
}

/** [subpath, file] pairs of `exports`; of conditions every branch counts. */
export function exportEntries(manifest: Manifest): [string, string][] {
  const entries: [string, string][] = []
  const walk = (subpath: string, value: unknown) => {
    if (typeof value === 'string') entries.push([subpath, value])
    else if (typeof value === 'object' && value !== null) {
      for (const [key, inner] of Object.entries(value)) walk(key.startsWith('.') ? key : subpath, inner)
    }
  }
  walk('.', manifest.exports)
  return entries
}

/** Whether a file is a test or a tool: what may do more than the program. */
export function isTest(path: string): boolean {
  return /\.test\.(?:ts|mjs)$|(?:^|\/)test\//.test(path) || path.startsWith('tools/') || path.startsWith('lab/whole/')
}

/** Whether a file was made by a tool. */
export function isGenerated(path: string): boolean {
  return /(?:^|\/)generated\//.test(path)
}
