/** The last good addresses of a service, on disk: with them a process starts while discovery is away. */
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { Core } from '../core.ts'
import type { Found } from './known-instances.ts'

type Place = Core['environment']

/** @param name of the service, or of what else the set is kept under */
export const keepAddresses = async (place: Place, name: string, found: readonly Found[]): Promise<void> => {
  const file = fileOf(place, name)
  const draft = `${file}.${place.instance}.${process.pid}`
  await mkdir(dirname(file), { recursive: true })
  await writeFile(draft, JSON.stringify(found))
  await rename(draft, file)
}

/** What was kept under the name; nothing when there is none, or it is damaged. */
export const recallAddresses = async (place: Place, name: string): Promise<readonly Found[]> => {
  const text = await readFile(fileOf(place, name), 'utf8').catch(() => '[]')
  try {
    const found = JSON.parse(text) as Partial<Found>[]
    return Array.isArray(found) ? found.filter((entry): entry is Found => typeof entry?.instance === 'object') : []
  } catch {
    return []
  }
}

const fileOf = (place: Place, name: string) => join(place.home, 'cache', 'discovery', `${name}.json`)
