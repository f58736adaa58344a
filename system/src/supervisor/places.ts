/** Where things are under SVYAZ_HOME. */

import { createHash } from 'node:crypto'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export interface Places {
  readonly home: string
  /** Says which version the home has: home.ts. */
  readonly version: string
  readonly lock: string
  /** Names the proof or experiment that goes on. */
  readonly examination: string
  readonly children: string
  readonly ports: string
  readonly databases: string
  readonly logs: string
  /** What was built, by checkout: bundler/caches.ts. */
  readonly built: string
  readonly keys: string
  readonly controlSocket: string
  /** Data of one process, e.g. `.svyaz/broker`. */
  data(process: string): string
}

/** A path of a Unix socket has 108 bytes on Linux and 104 on macOS, its end included (unix(7)). */
const socketPathBytesMax = 100

/** @param home absolute path of SVYAZ_HOME. */
export function placesIn(home: string): Places {
  const beside = join(home, 'control', 'socket')
  const fits = Buffer.byteLength(beside) <= socketPathBytesMax
  const short = createHash('sha256').update(home).digest('hex').slice(0, 16)
  return {
    home,
    version: join(home, 'state', 'home.json'),
    lock: join(home, 'state', 'supervisor.json'),
    examination: join(home, 'state', 'examination.json'),
    children: join(home, 'state', 'children.json'),
    ports: join(home, 'state', 'ports.json'),
    databases: join(home, 'state', 'databases.json'),
    logs: join(home, 'logs'),
    built: join(home, 'built'),
    keys: join(home, 'keys'),
    controlSocket: fits ? beside : join(tmpdir(), `svyaz-${process.getuid?.() ?? 0}-${short}`, 'socket'),
    data: (name) => join(home, name),
  }
}
