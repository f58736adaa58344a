/** The assignment as tables: one row per requirement, with its files, its proof, and what is missing. */
import { readFileSync } from 'node:fs'
import { assignment, type Requirement } from '../../lab/verify/assignment.ts'
import { type EngineEvidence, engineRows } from '../../lab/verify/engine-suites.ts'
import { table } from './regions.ts'

/** Paths in the list are from the root; the page is in docs/. */
const link = (path: string): string => `[${path}](../${path})`

/** The assignment, a table a section. */
export function assignmentTables(): string {
  return assignment
    .map(({ id, title, rows }) =>
      [
        `## ${id} ${title}`,
        '',
        table(['id', 'requirement', 'where', 'what `svyaz verify` does', 'not yet', 'run on engines'], rows.map(cells)),
      ].join('\n'),
    )
    .join('\n\n')
}

const cells = ({ id, what, artefacts, proof, missing, elsewhere }: Requirement): string[] => [
  `\`${id}\``,
  what,
  artefacts.map(link).join(', '),
  proof,
  [missing, elsewhere].filter((part) => part !== undefined).join(': '),
  onEngines(id),
]

/** Written by `svyaz verify --profile engines --evidence`. */
const runs = JSON.parse(
  readFileSync(new URL('../../lab/verify/engine-runs.json', import.meta.url), 'utf8'),
) as Readonly<Record<string, EngineEvidence>>

/** When, which suites and what they said; of a row that was never run, what would run it. */
function onEngines(id: string): string {
  const run = runs[id]
  if (engineRows[id] === undefined) return ''
  if (run === undefined) return `not recorded: \`npx svyaz verify ${id} --profile engines\``
  const said = run.suites.map(
    ({ file, engines, passed, failed, skipped }) =>
      `${engines.join(', ')}: ${passed} passed, ${failed} failed${skipped.length > 0 ? `; left out: ${skipped.join(', ')}` : ''} ([suite](../${file}))`,
  )
  return `${run.at}. ${said.join('. ')}`
}
