/** Judgements about the facts: each says what is, why it matters and, where something is wrong, the remedy. Pure. */
import type { Facts, Keeper, OptionalProgram } from './facts.ts'
import { listedOn, securityReleaseMissedBy } from './runtimes.ts'

export interface Finding {
  readonly check: string
  /** `wrong` keeps the system from running as it should; a warning does not. */
  readonly level: 'ok' | 'warning' | 'wrong'
  readonly what: string
  readonly why?: string
  readonly remedy?: string
}

const gigabyte = 1e9
const diskWrongBytes = 1 * gigabyte
const diskLowBytes = 3 * gigabyte
/** The whole system idle takes 0.9 GB; a browser and a load generator want room beside it. */
const memoryLowBytes = 1.5 * gigabyte
/** Each connection and each segment of the log is a file; fifteen processes inherit the limit. */
const openFilesLow = 1_024
const syncSlowMs = 200
const dayMs = 24 * 60 * 60 * 1_000
/** No copy of this program is older. */
const firstReleaseMs = Date.UTC(2026, 10, 1)

const ok = (check: string, what: string): Finding => ({ check, level: 'ok', what })

type Check = (facts: Facts) => Finding[]

const node: Check = ({ nodeVersion }) => {
  const [major = 0, minor = 0] = nodeVersion.split('.').map(Number)
  if ((major === 24 && minor >= 7) || (major === 26 && minor >= 10)) {
    const missed = securityReleaseMissedBy(nodeVersion)
    if (missed === undefined)
      return [ok('node', `Node ${nodeVersion}; the list of ${listedOn} knows no security release after it`)]
    return [
      {
        check: 'node',
        level: 'warning',
        what: `Node ${nodeVersion} lacks the security release ${missed.mended} of ${missed.on}`,
        why: 'the npm packages of Node, which the bootstrap brings where the machine has none, stop before it (SECURITY.md)',
        remedy: `install Node ${missed.mended} or a newer 24 (https://nodejs.org/en/download): the next start takes it by itself`,
      },
    ]
  }
  return [
    {
      check: 'node',
      level: 'wrong',
      what: `Node ${nodeVersion} runs this, not 24.7 or a newer 24`,
      why: 'it runs TypeScript as it is and stores passwords with crypto.argon2; other versions are not tested',
      remedy: 'start with `npx svyaz` or `npm start`: they bring Node 24 into the checkout by themselves',
    },
  ]
}

const platform: Check = ({ platform, architecture, glibc }) => {
  const name = `${platform}-${architecture}`
  const needs = 'PostgreSQL comes as programs for Linux (glibc 2.28 or newer) and macOS, x64 and arm64'
  const docker = 'use Docker: docker run --rm -it --init --network host -v "$PWD":/svyaz -w /svyaz node:24 npm start'
  const wrong = (what: string, remedy: string): Finding[] => [
    { check: 'platform', level: 'wrong', what, why: needs, remedy },
  ]
  if (platform === 'win32') return wrong('this is Windows', 'run it under WSL 2')
  if (!['linux-x64', 'linux-arm64', 'darwin-x64', 'darwin-arm64'].includes(name))
    return wrong(`this is ${name}`, docker)
  if (platform !== 'linux') return [ok('platform', name)]
  if (glibc === undefined) return wrong('this Linux has no glibc (Alpine?)', docker)
  const [major = 0, minor = 0] = glibc.split('.').map(Number)
  if (major < 2 || (major === 2 && minor < 28)) return wrong(`glibc is ${glibc}`, docker)
  return [ok('platform', `${name}, glibc ${glibc}`)]
}

const packages: Check = ({ packages: { installed, different, postgres } }) => {
  const remedy = 'npm ci, with the npm of Node 24; or `npm start`, which does it'
  if (!installed) {
    return [
      { check: 'packages', level: 'wrong', what: 'the packages are not installed', why: 'nothing can start', remedy },
    ]
  }
  const found: Finding[] = []
  if (different.length > 0) {
    const some = `${different.slice(0, 5).join('; ')}${different.length > 5 ? `; and ${different.length - 5} more` : ''}`
    found.push({
      check: 'packages',
      level: 'wrong',
      what: `packages are not those of package-lock.json: ${some}`,
      why: 'only the locked versions are tested together',
      remedy,
    })
  }
  if (!postgres) {
    found.push({
      check: 'packages',
      level: 'wrong',
      what: 'the programs of PostgreSQL for this machine are missing',
      why: 'they are an optional package, which `omit=optional` in an .npmrc leaves out',
      remedy: 'npm ci --include=optional',
    })
  }
  return found.length > 0 ? found : [ok('packages', 'as package-lock.json has them')]
}

const ports: Check = ({ ports, processes }) => {
  const taken = ports.filter(({ fault, ours }) => fault !== undefined && !ours)
  if (taken.length === 0) {
    const list = ports.map(({ port }) => port).join(', ')
    return [ok('ports', processes.running === undefined ? `${list} are free` : `${list}: free, or this system’s own`)]
  }
  return taken.map(({ port, process, fault, holder }) => ({
    check: 'ports',
    level: 'wrong',
    what:
      fault === 'EADDRINUSE'
        ? `port ${port} is taken by ${holder ?? 'another process'}`
        : `port ${port} can’t be opened (${fault})`,
    why: `${process} listens there, and clients expect it there`,
    remedy: 'stop that process, or move every port: `npx svyaz up --port-offset 1000`',
  }))
}

const loopback: Check = ({ loopbackFault }) =>
  loopbackFault === undefined
    ? [ok('loopback', '127.0.0.1 answers')]
    : [
        {
          check: 'loopback',
          level: 'wrong',
          what: `nothing can listen on 127.0.0.1 (${loopbackFault})`,
          why: 'every process listens there and nowhere else',
          remedy: 'bring the loopback interface up (`ip link set lo up`), with IPv4; in a container, allow it',
        },
      ]

const home: Check = ({ home: { path, exists, writeFault, exposed, foreign } }) => {
  const found: Finding[] = []
  if (writeFault !== undefined) {
    found.push({
      check: 'home',
      level: 'wrong',
      what: `${path} can’t be ${exists ? 'written to' : 'made'} (${writeFault})`,
      why: 'data, logs and keys are there',
      remedy:
        writeFault === 'ENOSPC'
          ? 'make room on that disk'
          : 'give it to your user, or name another place with SVYAZ_HOME',
    })
  }
  if (foreign.length > 0) {
    found.push({
      check: 'home',
      level: 'wrong',
      what: `${foreign.join(', ')} in ${path} belong to another user`,
      why: 'it was started as that user once (sudo?), and can’t be rewritten as this one',
      remedy: `sudo chown -R "$(id -un)" ${path}, except for postgres/ if it belongs to an account of its own`,
    })
  }
  if (exposed.length > 0) {
    found.push({
      check: 'home',
      level: 'wrong',
      what: `others may read ${exposed.join(', ')}`,
      why: 'who has a service’s key can speak in its name; who has its password can read its database',
      remedy: `cd ${path} && chmod 600 ${exposed.join(' ')}`,
    })
  }
  return found.length > 0 ? found : [ok('home', exists ? path : `${path} (made at the first start)`)]
}

const disk: Check = ({ disk, home: { path } }) => {
  if (disk === undefined) {
    return [
      {
        check: 'disk',
        level: 'warning',
        what: `can't find out how much room there is at ${path}`,
        why: 'a full disk stops writes',
        remedy: 'look with `df -h`',
      },
    ]
  }
  const found: Finding[] = []
  const free = `${(disk.freeBytes / gigabyte).toFixed(1)} GB free`
  if (disk.freeBytes < diskLowBytes) {
    found.push({
      check: 'disk',
      level: disk.freeBytes < diskWrongBytes ? 'wrong' : 'warning',
      what: `${free} at ${path}`,
      why: 'PostgreSQL and the broker refuse writes when the disk is full; a first start needs about 1 GB',
      remedy: `make room, or put the data elsewhere with SVYAZ_HOME`,
    })
  }
  if ('fault' in disk.sync) {
    found.push({
      check: 'disk',
      level: 'wrong',
      what: `a file at ${path} can’t be synced (${disk.sync.fault})`,
      why: 'what is acknowledged must be on the disk: that is the promise of broker and database',
      remedy: 'put the data on a local file system with SVYAZ_HOME',
    })
  } else if (disk.sync.tookMs > syncSlowMs) {
    found.push({
      check: 'disk',
      level: 'warning',
      what: `a sync took ${Math.round(disk.sync.tookMs)} ms`,
      why: 'each order waits for several of them, one after the other',
      remedy: 'put the data on a faster or a local disk with SVYAZ_HOME',
    })
  }
  return found.length > 0 ? found : [ok('disk', free)]
}

const memory: Check = ({ memory: { availableBytes }, processes }) =>
  processes.running !== undefined || availableBytes >= memoryLowBytes
    ? [ok('memory', `${(availableBytes / gigabyte).toFixed(1)} GB available`)]
    : [
        {
          check: 'memory',
          level: 'warning',
          what: `${(availableBytes / gigabyte).toFixed(1)} GB of memory are available`,
          why: 'the whole system takes about 1 GB; without it the kernel kills processes',
          remedy: 'close something large, or start a part: `npx svyaz up --only postgres,broker,…`',
        },
      ]

const openFiles: Check = ({ openFilesMax }) =>
  openFilesMax === undefined || openFilesMax >= openFilesLow
    ? [ok('open files', openFilesMax === undefined ? 'no limit' : `up to ${openFilesMax}`)]
    : [
        {
          check: 'open files',
          level: 'warning',
          what: `a process may open ${openFilesMax} files`,
          why: 'each connection is one: under load some are refused',
          remedy: 'ulimit -n 65536, in the shell that starts it',
        },
      ]

/** Programs that can give up what is lost, by who stores it. */
const mends: Partial<Record<Keeper, string>> = {
  broker: 'platform/broker/src/main.ts',
  'payment-processor': 'outside/payment-processor/src/main.ts',
  'mail-sink': 'outside/mail-sink/src/main.ts',
}

/** Begins with the bootstrap, which runs on any Node that can be there and brings the one that the program needs. */
function wayOut(of: Keeper, home: string): string {
  if (of === 'home') return `put ${home}/state back from a backup, or use another SVYAZ_HOME`
  const directory = `${home}/${of}`
  const program = mends[of]
  return program === undefined
    ? `restore ${directory} from a backup, or move it away to begin empty`
    : `restore ${directory} from a backup, or stop the system and run: node tools/bootstrap.mjs ${program} --data-dir '${directory.replaceAll("'", String.raw`'\''`)}' --accept-loss`
}

const stored: Check = ({ damage, home: { path } }) =>
  damage.map(({ of, what }) => ({
    check: of === 'broker' ? 'stored records' : 'stored data',
    level: 'wrong',
    what: of === 'broker' || of === 'home' ? what : `${of}: ${what}`,
    why: 'this had been acknowledged; what is meant is not guessed, and a start is refused',
    remedy: wayOut(of, path),
  }))

const reasons: Check = ({ reasons }) =>
  reasons.map(({ instance, ready, reason }) => ({
    check: 'instances',
    level: ready ? 'warning' : 'wrong',
    what: `${instance}: ${reason}`,
    why: ready ? 'it works, and says that it may not for long' : 'it does not work',
    remedy: `npx svyaz logs ${instance}`,
  }))

/** The major version of PostgreSQL's data that the shipped programs read, and the broker's format. */
export const dataVersions = { postgres: '18', broker: 1 } as const

const data: Check = ({ data, home: { path } }) => {
  const found: Finding[] = []
  if (data.postgres !== undefined && data.postgres !== dataVersions.postgres) {
    found.push({
      check: 'data',
      level: 'wrong',
      what: `${path}/postgres holds data of PostgreSQL ${data.postgres}; this is ${dataVersions.postgres}`,
      why: 'one major version can’t read another’s files',
      remedy: `move ${path}/postgres away to start empty, or upgrade it with pg_upgrade`,
    })
  }
  if (data.broker !== undefined && data.broker !== dataVersions.broker) {
    found.push({
      check: 'data',
      level: 'wrong',
      what:
        data.broker === 'unknown'
          ? `${path}/broker holds files that are not the broker’s`
          : `${path}/broker is written in format ${data.broker}; this broker reads ${dataVersions.broker}`,
      why: 'it refuses to start rather than to guess',
      remedy: `use the version that wrote it, or move ${path}/broker away to start with empty topics`,
    })
  }
  return found.length > 0 ? found : [ok('data', data.postgres === undefined ? 'none yet' : 'of this version')]
}

const clock: Check = ({ clock: { nowMs, newestFileMs } }) => {
  const wrong = (what: string): Finding[] => [
    {
      check: 'clock',
      level: 'wrong',
      what,
      why: 'tokens, leases and the age of records are judged by it',
      remedy: 'set the clock: `timedatectl set-ntp true`; under WSL: `sudo hwclock -s`',
    },
  ]
  const now = new Date(nowMs).toISOString()
  if (nowMs < firstReleaseMs) return wrong(`the clock says ${now}, which is before this was written`)
  if (newestFileMs !== undefined && newestFileMs > nowMs + dayMs) {
    return wrong(`the clock says ${now}, but there are files of ${new Date(newestFileMs).toISOString()}`)
  }
  return [ok('clock', now)]
}

const leftovers: Check = ({ processes: { running, staleLock, orphans } }) => {
  if (running !== undefined) return [ok('processes', `the system runs (pid ${running})`)]
  if (orphans.length > 0) {
    return [
      {
        check: 'processes',
        level: 'warning',
        what: `left over from a supervisor that was killed: ${orphans.map(({ instance, pid }) => `${instance} (pid ${pid})`).join(', ')}`,
        why: 'they hold ports and data',
        remedy: 'none needed: the next `npx svyaz up` ends them',
      },
    ]
  }
  return [
    ok(
      'processes',
      staleLock ? 'nothing runs; the last supervisor was killed, the next start cleans up' : 'nothing runs',
    ),
  ]
}

const uses: Readonly<Record<OptionalProgram, string>> = {
  psql: '`svyaz db` as an interactive session (without it: -c and connection strings)',
  kcat: 'some tests of the broker, and looking at topics with a foreign tool',
  chromium: 'tests in a browser',
}

/** Programs that are not needed: what is missing is told, and is fine. */
const programs: Check = ({ programs }) => {
  const names = Object.keys(uses) as OptionalProgram[]
  const missing = names.filter((name) => programs[name] === undefined)
  const found = names.filter((name) => programs[name] !== undefined)
  return [
    ...(found.length > 0 ? [ok('programs', `${found.join(', ')} found`)] : []),
    ...missing.map((name) => ok('programs', `${name} is not installed (optional): for ${uses[name]}`)),
  ]
}

const checks: readonly Check[] = [
  node,
  platform,
  packages,
  home,
  disk,
  data,
  stored,
  reasons,
  leftovers,
  ports,
  loopback,
  memory,
  openFiles,
  clock,
  programs,
]

/** Every finding, in the order in which one would mend them. */
export const judge = (facts: Facts): Finding[] => checks.flatMap((check) => check(facts))
