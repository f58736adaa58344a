/** The assignment: every row, what proves it, what came of that, and a button that runs it. */
import type { AssignmentAnswer, AssignmentSection, ProofFound } from '../../../../assignment.ts'
import { live } from '../../live/connection.ts'
import { useRead } from '../../live/use-read.ts'
import { notify } from '../../shell/notice.tsx'
import { useWords } from '../../shell/preferences.ts'
import { Skeleton } from '../../shell/skeleton.tsx'
import { UnderWay } from '../../shell/under-way.tsx'
import './assignment.css'
import { OutputView } from './output-view.tsx'
import { Row } from './row.tsx'
import { RunButton } from './run-button.tsx'
import { assignmentWords } from './words.ts'

const againMs = 2_000

/** The open row is in the address. */
export default function AssignmentPage() {
  const words = useWords(assignmentWords)
  const { answer, refused, again } = useRead<AssignmentAnswer>('/api/assignment', againMs)
  if (answer === undefined)
    return refused === undefined ? <Skeleton rows={10} /> : <p className="card gone">{words.gone(refused)}</p>
  const { sections, found, canRun, run: last, other } = answer
  if (sections.length === 0) return <p className="card gone">{words.notHere}</p>
  const run = async (row: string) => {
    try {
      await live.prove(row)
      again()
    } catch (error) {
      notify(words.refused(error))
    }
  }
  const running = last?.isRunning === true ? last.asked : other?.kind === 'proof' ? other.of : undefined
  const buttons = { canRun: canRun && other === undefined, running, run }
  const of = new Map(found.map((one) => [one.id, one]))
  return (
    <div className="page assignment-page">
      <Summary sections={sections} found={found} />
      {other !== undefined && <UnderWay examination={other} asked={again} />}
      {last !== undefined && <OutputView run={last} ended={again} />}
      {sections.map((section) => (
        <section key={section.id} className="card" aria-labelledby={`section-${section.id}`}>
          <header>
            <h2 id={`section-${section.id}`} lang="en">
              {section.id} {section.title}
            </h2>
            {section.rows.some(({ isProven }) => isProven) && (
              <RunButton
                {...buttons}
                row={section.id}
                text={words.runAll(section.id)}
                disturbs={section.rows.some(({ disturbs }) => disturbs)}
              />
            )}
          </header>
          <ul>
            {section.rows.map((row) => (
              <Row key={row.id} row={row} found={of.get(row.id)} {...buttons} />
            ))}
          </ul>
        </section>
      ))}
    </div>
  )
}

/** How many rows there are, and what came of those that were run from here. */
function Summary({ sections, found }: { sections: readonly AssignmentSection[]; found: readonly ProofFound[] }) {
  const words = useWords(assignmentWords)
  const rows = sections.flatMap((section) => section.rows)
  const count = (verdict: ProofFound['verdict']) => found.filter((one) => one.verdict === verdict).length
  return (
    <section className="card about">
      <p>{words.about}</p>
      <p className="hint" role="status">
        {words.counts(rows.length, found.length, count('PASS'), count('FAIL'), count('NOT RUN'))}
      </p>
    </section>
  )
}
