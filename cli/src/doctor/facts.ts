/** What `svyaz doctor` looks at: plain values, so that every judgement about them is a pure function (checks.ts). */

export interface Facts {
  /** Of this process, e.g. `24.21.0`. */
  readonly nodeVersion: string
  readonly platform: string
  readonly architecture: string
  /** Undefined on a Linux with another C library, and off Linux. */
  readonly glibc: string | undefined
  readonly home: HomeFacts
  readonly ports: readonly PortFact[]
  readonly disk: { readonly freeBytes: number; readonly sync: SyncFact } | undefined
  readonly memory: { readonly totalBytes: number; readonly availableBytes: number }
  /** Soft limit of open files; undefined: unlimited, or not told. */
  readonly openFilesMax: number | undefined
  /** Error code of listening on 127.0.0.1; undefined when it works. */
  readonly loopbackFault: string | undefined
  readonly packages: PackageFacts
  readonly data: {
    /** Text of PostgreSQL's PG_VERSION. */
    readonly postgres: string | undefined
    /** Format of the broker's files; `unknown` when they are not its own. */
    readonly broker: number | 'unknown' | undefined
  }
  /** What is known to be damaged or missing in what a process stored: places in files, a sentence each. */
  readonly damage: readonly { readonly of: Keeper; readonly what: string }[]
  /** What running instances say about their state, ready or not. */
  readonly reasons: readonly { readonly instance: string; readonly ready: boolean; readonly reason: string }[]
  readonly clock: {
    readonly nowMs: number
    /** The newest time stamp of anything in the home or the checkout: never in the future on a sane clock. */
    readonly newestFileMs: number | undefined
  }
  readonly processes: {
    /** Of a supervisor that runs here. */
    readonly running: number | undefined
    /** A lock that nobody holds any more. */
    readonly staleLock: boolean
    /** Processes of an earlier supervisor that still run. */
    readonly orphans: readonly { readonly instance: string; readonly pid: number }[]
  }
  /** Programs that make more possible, by name: where they are. */
  readonly programs: Readonly<Record<OptionalProgram, string | undefined>>
}

/** Who stores what must not be lost, beside PostgreSQL; `home` is the supervisor's own record of the version. */
export type Keeper = 'broker' | 'discovery' | 'payment-processor' | 'mail-sink' | 'home'

export type OptionalProgram = 'psql' | 'kcat' | 'chromium'

export interface HomeFacts {
  readonly path: string
  readonly exists: boolean
  /** Error code of writing a file there (or, when it isn't there yet, of making it); undefined when it works. */
  readonly writeFault: string | undefined
  /** Private files (relative to the home) that others may read or change. */
  readonly exposed: readonly string[]
  /** Files of another user among what the supervisor must rewrite. */
  readonly foreign: readonly string[]
}

export interface PortFact {
  readonly port: number
  /** The process of the topology that needs it. */
  readonly process: string
  /** Error code of listening there; undefined when it is free. */
  readonly fault: string | undefined
  /** Who listens, e.g. `nginx (pid 812)`. */
  readonly holder: string | undefined
  /** Whether it is this very system that listens. */
  readonly ours: boolean
}

export interface PackageFacts {
  readonly installed: boolean
  /** Packages whose installed version is not the lock file's, e.g. `pg 8.22.0, not 8.23.1`. */
  readonly different: readonly string[]
  /** Whether PostgreSQL's programs for this platform are there. */
  readonly postgres: boolean
}

export type SyncFact = { readonly tookMs: number } | { readonly fault: string }
