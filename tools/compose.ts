/**
 * Fills the parts of compose.yaml that repeat the project's lists: a service for each instance of the topology, the
 * volumes of their secrets; and the digests of deploy/compose/images.lock.json (tools/images.ts). `--check` writes nothing and fails on drift. Which parts there are:
 * `# made by tools/compose.ts: …` in the file.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Digests, pinned } from '../deploy/compose/images.ts'
import { processServices, processVolumes, secretsMounts } from '../deploy/compose/processes.ts'

const path = join(import.meta.dirname, '..', 'compose.yaml')
const lockPath = join(import.meta.dirname, '..', 'deploy/compose/images.lock.json')

const makers: Readonly<Record<string, () => string>> = {
  processes: processServices,
  volumes: processVolumes,
  'secrets-mounts': secretsMounts,
}

const region = /^( *)# made by tools\/compose\.ts: ([\w-]+)\n[\s\S]*?^\1# end$/gm

/** Pure. The file with each part filled in again. @throws Error when it names a part that there is no maker for */
export function fill(text: string): string {
  return text.replace(region, (_, indent: string, name: string) => {
    const make = makers[name]
    if (!make) throw new Error(`compose.yaml: nothing makes "${name}"`)
    return `${indent}# made by tools/compose.ts: ${name}\n${make()}\n${indent}# end`
  })
}

if (import.meta.main) {
  const before = readFileSync(path, 'utf8')
  const digests = JSON.parse(readFileSync(lockPath, 'utf8')) as Digests
  const after = pinned(fill(before), digests)
  if (after !== before && !process.argv.includes('--check')) writeFileSync(path, after)
  if (after !== before)
    process.stdout.write(
      `compose.yaml ${process.argv.includes('--check') ? 'is not what the topology says: run node tools/compose.ts' : 'written'}\n`,
    )
  if (after !== before && process.argv.includes('--check')) process.exitCode = 1
}
