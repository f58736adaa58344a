/**
 * Rules about versions. npm under an old Node.js silently resolves old majors, and npm on a machine that can't
 * see all platforms' packages drops them from the lock file; both show here before they show elsewhere.
 */
import { posix } from 'node:path'
import type { Finding, Lock, Manifest, Package, Project } from './project.ts'

const exact = /^\d+\.\d+\.\d+(?:-[\w.-]+)?$/

/** Every declared version is one version. */
export function checkExact(project: Project): Finding[] {
  return project.packages.flatMap(({ folder, manifest }) =>
    Object.entries(dependenciesOf(manifest))
      .filter(([, version]) => !exact.test(version))
      .map(([name, version]) => ({
        path: posix.join(folder, 'package.json'),
        message: `${name} is "${version}", not an exact version`,
      })),
  )
}

/** The lock file resolves each declared dependency to the declared version. */
export function checkResolved(project: Project): Finding[] {
  return project.locks.flatMap((lock) =>
    project.packages
      .filter(({ folder }) => lock.folder === folder || (lock.folder === '' && isWorkspace(lock, folder)))
      .flatMap((holder) => wrongVersions(lock, holder)),
  )
}

function wrongVersions(lock: Lock, { folder, manifest }: Package): Finding[] {
  const inside = lock.folder === folder ? '' : folder
  return Object.entries(dependenciesOf(manifest)).flatMap(([name, declared]): Finding[] => {
    const resolved = locked(lock, inside, name)
    if (resolved === declared || !exact.test(declared)) return []
    return [
      {
        path: posix.join(folder, 'package.json'),
        message: `${name} ${declared} is ${resolved ?? 'missing'} in package-lock.json: run npm install under Node 24`,
      },
    ]
  })
}

/** A package with one program per platform needs all of them in the lock file, or npm ci refuses it elsewhere. */
export function checkPlatforms(project: Project): Finding[] {
  return project.locks.flatMap((lock) =>
    Object.entries(lock.packages).flatMap(([path, entry]) =>
      Object.keys(entry.optionalDependencies ?? {})
        .filter((name) => locked(lock, path, name) === undefined)
        .map((name) => ({
          path: posix.join(lock.folder, 'package-lock.json'),
          message: `${path || 'the root'} needs ${name} on some platform, and the lock file lacks it: npm ci will fail`,
        })),
    ),
  )
}

/** What came from a registry can be verified; what lies inside another package is verified with it. */
export function checkIntegrity(project: Project): Finding[] {
  return project.locks.flatMap((lock) =>
    Object.entries(lock.packages)
      .filter(([path, entry]) => path.includes('node_modules/') && !entry.link && !entry.inBundle && !entry.integrity)
      .map(([path]) => ({
        path: posix.join(lock.folder, 'package-lock.json'),
        message: `${path} has no integrity hash`,
      })),
  )
}

function isWorkspace(lock: Lock, folder: string): boolean {
  return folder in lock.packages
}

/** Node's search: the folder's own node_modules, then each one above. */
function locked(lock: Lock, from: string, name: string): string | undefined {
  const parts = from === '' ? [] : from.split('/')
  for (let depth = parts.length; depth >= 0; depth--) {
    const entry = lock.packages[posix.join(...parts.slice(0, depth), 'node_modules', name)]
    if (entry?.link) return lock.packages[workspaceFolder(lock, name)]?.version
    if (entry) return entry.version
  }
  return undefined
}

function workspaceFolder(lock: Lock, name: string): string {
  const found = Object.entries(lock.packages).find(
    ([path, entry]) => !path.includes('node_modules/') && (entry as { name?: string }).name === name,
  )
  return found?.[0] ?? ''
}

function dependenciesOf(manifest: Manifest): Record<string, string> {
  return { ...manifest.dependencies, ...manifest.devDependencies, ...manifest.optionalDependencies }
}
