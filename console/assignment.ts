/**
 * The Assignment page: what is asked of the system, row by row, and proofs that are run from the page. The rows and the
 * judge are `svyaz verify`'s, run as a program of its own (decision 0098). Types only, as in protocol.ts.
 */
import type { Examination } from '@svyaz/contracts/examination.ts'

export type Verdict = 'PASS' | 'FAIL' | 'NOT RUN'

/** A row, as `svyaz verify --list --json` has it. */
export interface AssignmentRow {
  readonly id: string
  readonly what: string
  /** Files and folders of the checkout that meet it. */
  readonly artefacts: readonly string[]
  /** What is done on the running system, and what must be seen. */
  readonly proof: string
  /** What of it can't be proven on this system. */
  readonly missing?: string
  /** The command that runs what is missing. */
  readonly elsewhere?: string
  readonly isProven: boolean
  /** Its proof stops, kills or reconfigures something, and brings it back. */
  readonly disturbs: boolean
  /** Suites on real engines. */
  readonly engines?: {
    readonly command: string
    readonly names: readonly string[]
    /** The last run that was recorded, a day in RFC 3339. */
    readonly recorded?: {
      readonly at: string
      readonly suites: readonly {
        readonly file: string
        readonly engines: readonly string[]
        readonly passed: number
        readonly failed: number
        readonly skipped: readonly string[]
      }[]
    }
  }
}

export interface AssignmentSection {
  readonly id: string
  readonly title: string
  readonly rows: readonly AssignmentRow[]
}

/** What came of a row's proof when it was run from a page last. */
export interface ProofFound {
  readonly id: string
  readonly verdict: Verdict
  /** Why it is not a PASS. */
  readonly reasons: readonly string[]
  readonly tookMs: number
  /** RFC 3339. */
  readonly at: string
  /** Who asked for it; empty for somebody at this machine who hasn't signed in. */
  readonly who: string
}

/** `GET /api/assignment`. */
export interface AssignmentAnswer {
  readonly sections: readonly AssignmentSection[]
  readonly found: readonly ProofFound[]
  /** Proofs can be run from here. */
  readonly canRun: boolean
  /** The proof that was begun from here last, and runs or has ended. */
  readonly run?: ProofRun
  /** What else examines this system: a proof cannot begin beside it. */
  readonly other?: Examination
}

export interface ProofRun {
  /** A row, or a section with all of its rows. */
  readonly asked: string
  /** RFC 3339. */
  readonly startedAt: string
  readonly isRunning: boolean
  /** It was asked to end before it was done. */
  readonly stopped?: true
}

/** `POST /api/assignment/run`; a line of `GET /api/assignment/output`, which has all of the run that is under way or ran last. */
export type ProofLine =
  | { readonly type: 'step'; readonly id: string; readonly command: string; readonly answer: string }
  | {
      readonly type: 'finding'
      readonly finding: Pick<ProofFound, 'id' | 'verdict' | 'reasons' | 'tookMs'> & {
        /** It was cut short, and says nothing of its row. */
        readonly stopped?: true
      }
    }
  /** What else the program said: of its errors. */
  | { readonly type: 'said'; readonly text: string }
  /** `exitCode`: 0 all passed, 1 one failed, 2 some were not run; null when it was ended. */
  | { readonly type: 'end'; readonly exitCode: number | null }
