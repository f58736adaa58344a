/**
 * Writes the files of deploy/kubernetes that repeat the project's lists: the Helm chart's templates, values and schema,
 * and the Kustomize base. Processes, ports and memory come from the topology, network policies from the calls that the
 * code makes. `--check` writes nothing and fails on drift.
 */
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { kubernetesFiles } from '../deploy/kubernetes/files.ts'
import { callsBetweenServices, callsByAddress, callsOfRoutes } from './docs/source.ts'

const folder = join(import.meta.dirname, '..', 'deploy', 'kubernetes')

/** Folders that hold made files alone: one that is made no more goes. */
const madeFolders = ['chart/templates', 'base']

/** The files as the lists have them now: path from deploy/kubernetes → text. */
export const wantedFiles = (): Map<string, string> =>
  kubernetesFiles([...callsBetweenServices(), ...callsOfRoutes(), ...callsByAddress()])

/** Paths that differ from what is wanted, missing and left-over ones among them. */
export function drift(): string[] {
  const wanted = wantedFiles()
  const changed = [...wanted].filter(([path, text]) => read(path) !== text).map(([path]) => path)
  const left = madeFolders
    .flatMap((made) => list(made).map((file) => `${made}/${file}`))
    .filter((path) => !wanted.has(path) && !path.endsWith('NOTES.txt'))
  return [...changed, ...left]
}

function read(path: string): string | undefined {
  try {
    return readFileSync(join(folder, path), 'utf8')
  } catch {
    return undefined
  }
}

function list(made: string): string[] {
  try {
    return readdirSync(join(folder, made))
  } catch {
    return []
  }
}

if (import.meta.main) {
  const check = process.argv.includes('--check')
  const wanted = wantedFiles()
  for (const path of drift()) {
    const text = wanted.get(path)
    const file = join(folder, path)
    if (!check && text === undefined) rmSync(file)
    if (!check && text !== undefined) {
      mkdirSync(dirname(file), { recursive: true })
      writeFileSync(file, text)
    }
    process.stdout.write(
      `deploy/kubernetes/${path} ${check ? 'is not what the topology says: npm run kubernetes' : 'written'}\n`,
    )
    if (check) process.exitCode = 1
  }
}
