/** A row for whoever shows the list: with what its proof does to the system, and what of it ran on engines. Pure but for one file. */
import { readFileSync } from 'node:fs'
import type { Requirement } from './assignment.ts'
import { type EngineEvidence, engineRows } from './engine-suites.ts'
import { proofs } from './proofs.ts'

export interface DescribedRow extends Requirement {
  /** It has a proof on the running system. */
  readonly isProven: boolean
  /** The proof stops, kills or reconfigures something, and brings it back. */
  readonly disturbs: boolean
  /** Which suites prove it on engines, by what command, and what the last recorded run said. */
  readonly engines?: {
    readonly command: string
    readonly names: readonly string[]
    readonly recorded?: EngineEvidence
  }
}

const recorded = JSON.parse(readFileSync(new URL('engine-runs.json', import.meta.url), 'utf8')) as Readonly<
  Record<string, EngineEvidence>
>

/** @param row of the assignment */
export function described(row: Requirement): DescribedRow {
  const proof = (proofs as Readonly<Record<string, { readonly disturbs?: true } | undefined>>)[row.id]
  const engines = engineRows[row.id]
  const run = recorded[row.id]
  return {
    ...row,
    isProven: proof !== undefined,
    disturbs: proof?.disturbs === true,
    ...(engines === undefined
      ? {}
      : {
          engines: {
            command: `npx svyaz verify ${row.id} --profile engines`,
            names: [...new Set(engines.suites.flatMap((suite) => suite.engines))],
            ...(run === undefined ? {} : { recorded: run }),
          },
        }),
  }
}
