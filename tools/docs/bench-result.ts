/** What benches kept of their last recorded run, for the pages that are made of it. */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

const folder = join(import.meta.dirname, '..', '..', 'lab', 'bench', 'results')

/** @param name of the bench's file there, without `.json`. @returns undefined while no run is recorded */
export function benchResult<Result>(name: string): Result | undefined {
  const file = join(folder, `${name}.json`)
  return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as Result) : undefined
}

/** In place of figures that nobody has taken yet. */
export const notRecorded = 'No run is recorded yet.'
