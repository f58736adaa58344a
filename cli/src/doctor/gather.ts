/** Looks at the machine. Changes nothing but for a file that is written, synced and removed again. */
import {
  closeSync,
  existsSync,
  fsyncSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  rmSync,
  statfsSync,
  statSync,
  writeSync,
} from 'node:fs'
import { freemem, totalmem } from 'node:os'
import { dirname, join } from 'node:path'
import { findLoss as findLostRecords } from '@svyaz/broker'
import { findLoss as findLostRegistrations } from '@svyaz/discovery'
import { findLostMails } from '@svyaz/mail-sink'
import { ledgerName } from '@svyaz/payment-processor'
import { findLoss } from '@svyaz/stage'
import { checkoutAt } from '@svyaz/system/checkout.ts'
import { installedBinaries } from '@svyaz/system/postgres/binaries.ts'
import type { Instances } from '@svyaz/system/supervisor/control-client.ts'
import { homeVersion } from '@svyaz/system/supervisor/home.ts'
import { lockHolder } from '@svyaz/system/supervisor/lock.ts'
import { leftChildren } from '@svyaz/system/supervisor/orphans.ts'
import { placesIn } from '@svyaz/system/supervisor/places.ts'
import { findPortHolder } from '@svyaz/system/supervisor/port-holder.ts'
import { bindFault } from '@svyaz/system/supervisor/ports.ts'
import { processTree } from '@svyaz/system/supervisor/process-table.ts'
import { topology } from '@svyaz/system/topology'
import type { CliConfig } from '../config.ts'
import { ask } from '../control-client.ts'
import { findProgram } from '../find-program.ts'
import type { Facts, HomeFacts, Keeper, PackageFacts, PortFact, SyncFact } from './facts.ts'

/** What the machine and the checkout are like; nothing is changed. */
export async function gather(config: CliConfig, askedOffset: number | undefined): Promise<Facts> {
  const { home, root, environment } = config
  const places = placesIn(home)
  const running = lockHolder(places.lock)?.pid
  const portOffset = askedOffset ?? (running === undefined ? 0 : offsetOf(places.ports))
  const report = machineReport()
  return {
    nodeVersion: process.versions.node,
    platform: process.platform,
    architecture: process.arch,
    glibc: report.header?.glibcVersionRuntime,
    home: homeFacts(home),
    ports: await portFacts(portOffset, running),
    disk: diskFacts(home),
    memory: memoryFacts(),
    openFilesMax: limitOf(report.userLimits?.open_files?.soft),
    loopbackFault: await bindFault(0, '127.0.0.1'),
    packages: packageFacts(root),
    data: { postgres: readTrimmed(join(home, 'postgres', 'data', 'PG_VERSION')), broker: brokerFormat(home) },
    ...(await damageAndReasons(config, running)),
    clock: {
      nowMs: Date.now(),
      newestFileMs: newest([places.ports, places.databases, join(root, 'package-lock.json')]),
    },
    processes: {
      running,
      staleLock: running === undefined && existsSync(places.lock),
      orphans: running === undefined ? leftChildren(places.children) : [],
    },
    programs: {
      psql: findProgram('psql', environment),
      kcat: findProgram('kcat', environment),
      chromium: ['chromium', 'chromium-browser', 'google-chrome']
        .map((name) => findProgram(name, environment))
        .find(Boolean),
    },
  }
}

interface Report {
  readonly header?: { readonly glibcVersionRuntime?: string }
  readonly userLimits?: { readonly open_files?: { readonly soft?: number | string } }
}

function machineReport(): Report {
  // The network part asks a name server for every address.
  Object.assign(process.report, { excludeNetwork: true })
  return process.report.getReport() as Report
}

const limitOf = (soft: number | string | undefined): number | undefined => {
  const limit = Number(soft)
  return Number.isFinite(limit) && limit > 0 ? limit : undefined
}

async function portFacts(offset: number, running: number | undefined): Promise<PortFact[]> {
  const own = new Set(running === undefined ? [] : processTree(running))
  const planned = topology.processes.flatMap(({ name, ports }) =>
    Object.values(ports).flatMap(({ fixed }) => (fixed === undefined ? [] : [{ process: name, port: fixed + offset }])),
  )
  return Promise.all(
    planned.map(async ({ process, port }) => {
      const fault = port > 65_535 ? 'the last port is 65535' : await bindFault(port, '127.0.0.1')
      const holder = fault === undefined ? undefined : findPortHolder(port)
      return {
        port,
        process,
        fault,
        holder: holder && `${holder.command} (pid ${holder.pid})`,
        ours: holder !== undefined && own.has(holder.pid),
      }
    }),
  )
}

/** The nearest folder above that is there: what is asked of the home is asked of it. */
function existing(path: string): string {
  return existsSync(path) || dirname(path) === path ? path : existing(dirname(path))
}

function homeFacts(path: string): HomeFacts {
  const exists = existsSync(path)
  const uid = process.getuid?.()
  const files = exists ? ownFiles(path) : []
  const facts = files.map((name) => ({ name, stat: statSync(join(path, name), { throwIfNoEntry: false }) }))
  return {
    path,
    exists,
    writeFault: faultOf(() => rmSync(mkdtempSync(join(existing(path), '.svyaz-doctor-')), { recursive: true })),
    exposed: facts.flatMap(({ name, stat }) =>
      name.startsWith('keys/') && !name.endsWith('jwks.json') && stat && (stat.mode & 0o077) !== 0 ? [name] : [],
    ),
    // Root may write everybody's files.
    foreign: uid === 0 ? [] : facts.flatMap(({ name, stat }) => (stat && stat.uid !== uid ? [name] : [])),
  }
}

/** What the supervisor itself writes. */
function ownFiles(home: string): string[] {
  return ['keys', 'state', 'logs'].flatMap((folder) => {
    try {
      return [folder, ...readdirSync(join(home, folder)).map((name) => `${folder}/${name}`)]
    } catch {
      return []
    }
  })
}

function diskFacts(home: string): Facts['disk'] {
  const place = existing(home)
  try {
    const { bavail, bsize } = statfsSync(place)
    return { freeBytes: bavail * bsize, sync: syncFact(place) }
  } catch {
    return undefined
  }
}

function syncFact(place: string): SyncFact {
  let folder: string | undefined
  try {
    folder = mkdtempSync(join(place, '.svyaz-doctor-'))
    const file = openSync(join(folder, 'sync'), 'w', 0o600)
    try {
      writeSync(file, Buffer.alloc(4_096))
      const startedAt = performance.now()
      fsyncSync(file)
      return { tookMs: performance.now() - startedAt }
    } finally {
      closeSync(file)
    }
  } catch (error) {
    return { fault: codeOf(error) }
  } finally {
    if (folder !== undefined) rmSync(folder, { recursive: true, force: true })
  }
}

/** MemAvailable counts what caches would give back; `free` alone would alarm on every Linux. */
function memoryFacts(): Facts['memory'] {
  const available = /^MemAvailable:\s+(\d+) kB/m.exec(readTrimmed('/proc/meminfo') ?? '')?.[1]
  return { totalBytes: totalmem(), availableBytes: available === undefined ? freemem() : Number(available) * 1_024 }
}

interface Lock {
  readonly packages?: Readonly<
    Record<
      string,
      { readonly version?: string; readonly link?: boolean; readonly optional?: boolean; readonly peer?: boolean }
    >
  >
}

function packageFacts(root: string): PackageFacts {
  const wanted = readLock(join(root, 'package-lock.json'))
  const present = readLock(join(root, 'node_modules', '.package-lock.json'))
  if (!present) return { installed: false, different: [], postgres: false }
  const different = Object.entries(wanted?.packages ?? {}).flatMap(([path, { version, link, optional, peer }]) => {
    const name = path.slice('node_modules/'.length)
    if (link || !path.startsWith('node_modules/')) return []
    const found = present.packages?.[path]
    if (found) return found.version === version ? [] : [`${name} ${found.version}, not ${version}`]
    // What is only for other platforms is not installed here.
    return optional || peer ? [] : [`${name} ${version} is missing`]
  })
  return {
    installed: true,
    different,
    postgres: faultOf(() => existsSync(installedBinaries().directory) || fail()) === undefined,
  }
}

function fail(): never {
  throw new Error('not there')
}

const readLock = (path: string): Lock | undefined => {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as Lock
  } catch {
    return undefined
  }
}

/** The one that the running system was started with: its ports tell. */
function offsetOf(file: string): number {
  const remembered = (readLock(file) ?? {}) as Readonly<Record<string, Readonly<Record<string, number>>>>
  for (const { name, ports } of topology.processes)
    for (const [role, { fixed }] of Object.entries(ports)) {
      const port = remembered[`${name}-1`]?.[role]
      if (fixed !== undefined && port !== undefined && port >= fixed) return port - fixed
    }
  return 0
}

/** What is wrong in the files of those who don't run. What can't be read is wrong too. */
async function damageAtRest(home: string): Promise<Facts['damage']> {
  const at = (of: Keeper) => join(home, of)
  const looks: readonly (readonly [Keeper, Promise<string | undefined | string[]>])[] = [
    ['broker', findLostRecords(at('broker'))],
    ['discovery', findLostRegistrations(at('discovery'))],
    ['payment-processor', findLoss(join(at('payment-processor'), ledgerName))],
    ['mail-sink', findLostMails(at('mail-sink'))],
  ]
  const found = looks.map(async ([of, look]) => {
    const lost = await look.catch((error: Error) => error.message)
    return [lost ?? []].flat().map((what) => ({ of, what }))
  })
  return (await Promise.all(found)).flat()
}

function homeDamage({ home, root }: CliConfig): Facts['damage'] {
  try {
    homeVersion(placesIn(home), checkoutAt(root))
    return []
  } catch (error) {
    return [{ of: 'home', what: (error as Error).message.replaceAll('\n', ' ') }]
  }
}

/** Of a system that runs, what its instances say; of one that doesn't, what the files say. Neither is a fault of the look. */
async function damageAndReasons(
  config: CliConfig,
  running: number | undefined,
): Promise<Pick<Facts, 'damage' | 'reasons'>> {
  const { home } = config
  const ofHome = homeDamage(config)
  if (running === undefined) return { damage: [...ofHome, ...(await damageAtRest(home))], reasons: [] }
  const instances = await ask<Instances>(home, 'GET', '/instances').then(
    (answer) => answer.instances,
    () => [],
  )
  const port = instances.find(({ service }) => service === 'broker')?.ports.management
  return {
    damage: [
      ...ofHome,
      ...(port === undefined ? [] : damagedPlaces(await metricsOf(port))).map((what) => ({
        of: 'broker' as const,
        what,
      })),
    ],
    reasons: instances.flatMap(({ name, status, restarts, reason }) =>
      // A first start waits for what it needs; that isn't a finding.
      reason === undefined || (status === 'starting' && restarts === 0)
        ? []
        : [{ instance: name, ready: status === 'ready', reason }],
    ),
  }
}

async function metricsOf(port: number): Promise<string> {
  try {
    const answer = await fetch(`http://127.0.0.1:${port}/metrics`, { signal: AbortSignal.timeout(2_000) })
    return await answer.text()
  } catch {
    return ''
  }
}

/** Pure: the broker's metrics in, a sentence for each damaged place out. */
export function damagedPlaces(metrics: string): string[] {
  const line = /^svyaz_broker_log_damaged_places\{topic="(.*)",partition="(\d+)",file="(.*)",position="(\d+)"\} 1$/gm
  return [...metrics.matchAll(line)].map(
    ([, topic, partition, file, position]) => `${file}, byte ${position}: records of ${topic}/${partition} are damaged`,
  )
}

/** From the first bytes of a write-ahead segment: eight of magic, then the version. */
function brokerFormat(home: string): Facts['data']['broker'] {
  const folder = join(home, 'broker', 'wal')
  if (!existsSync(folder)) return undefined
  const name = readdirSync(folder).find((file) => file.endsWith('.wal'))
  if (name === undefined) return undefined
  const head = Buffer.alloc(10)
  const file = openSync(join(folder, name), 'r')
  try {
    readSync(file, head, 0, head.length, 0)
  } finally {
    closeSync(file)
  }
  return head.toString('latin1', 0, 5) === 'SVYAZ' ? head.readUInt16BE(8) : 'unknown'
}

const newest = (paths: readonly string[]): number | undefined => {
  const times = paths.flatMap((path) => statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? [])
  return times.length > 0 ? Math.max(...times) : undefined
}

const readTrimmed = (path: string): string | undefined => {
  try {
    return readFileSync(path, 'utf8').trim()
  } catch {
    return undefined
  }
}

const codeOf = (error: unknown): string => (error as NodeJS.ErrnoException).code ?? String(error)

const faultOf = (work: () => unknown): string | undefined => {
  try {
    work()
    return undefined
  } catch (error) {
    return codeOf(error)
  }
}
