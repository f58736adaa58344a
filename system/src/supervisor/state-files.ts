/** Small files that outlive the supervisor: each appears whole or not at all. */
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'

/**
 * Writes JSON under its name in one step; `mode` as for chmod, default readable by the owner only.
 *
 * @throws as `writeFileSync` does, e.g. ENOSPC; what was under the name before is there still.
 */
export function writeJson(path: string, value: unknown, mode = 0o600): void {
  mkdirSync(dirname(path), { recursive: true })
  const unfinished = `${path}.${process.pid}`
  try {
    writeFileSync(unfinished, `${JSON.stringify(value, null, 2)}\n`, { mode })
    renameSync(unfinished, path)
  } catch (error) {
    rmSync(unfinished, { force: true })
    throw error
  }
}

/** Undefined when the file is missing or holds no JSON: what it held is made again. */
export function readJson<T>(path: string): T | undefined {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as T
  } catch {
    return undefined
  }
}
