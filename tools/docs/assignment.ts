/** The assignment as tables: one row per requirement, with its files, its proof, and what is missing. */
import { assignment, type Requirement } from '../../lab/verify/assignment.ts'
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
        table(['id', 'requirement', 'where', 'what `svyaz verify` does', 'not yet'], rows.map(cells)),
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
]
