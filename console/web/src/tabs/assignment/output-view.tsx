/** What the proof says that runs, or ran last: each request and its answer as it is there. */
import { useEffect, useRef } from 'react'
import type { ProofRun } from '../../../../assignment.ts'
import { clock } from '../../shell/format.ts'
import { usePreferences, useWords } from '../../shell/preferences.ts'
import { TableBox } from '../../shell/table-box.tsx'
import { EndButton } from '../../shell/under-way.tsx'
import { useOutput } from './use-output.ts'
import { assignmentWords } from './words.ts'

interface OutputProps {
  readonly run: ProofRun
  readonly ended: () => void
}

/** From its first line on, however late one looks. */
export function OutputView({ run: { asked, startedAt, isRunning, stopped }, ended }: OutputProps) {
  const words = useWords(assignmentWords)
  const { language } = usePreferences()
  const { lines, exitCode, failed } = useOutput(startedAt, ended)
  const end = useRef<HTMLLIElement>(null)
  // biome-ignore lint/correctness/useExhaustiveDependencies: each new line is scrolled to
  useEffect(() => {
    // It may return a promise, which isn't an effect's end.
    end.current?.scrollIntoView({ block: 'nearest' })
  }, [lines])
  return (
    <section className="card proof-output" data-running={isRunning || undefined}>
      <p role="status">
        <span className={`dot ${isRunning ? 'busy' : exitCode === 0 ? 'good' : exitCode === 1 ? 'bad' : ''}`} />{' '}
        {isRunning
          ? words.running(asked, clock(startedAt, language))
          : `${asked}: ${(stopped ? undefined : words.ends[String(exitCode)]) ?? words.ended}`}
        {failed !== undefined && <span className="bad"> {words.cut(failed)}</span>}
      </p>
      {isRunning && <EndButton stopping={stopped === true} asked={ended} />}
      {lines.length > 0 && (
        <TableBox label={words.output} className="output-lines">
          <ol lang="en">
            {lines.map((line, index) => (
              // biome-ignore lint/suspicious/noArrayIndexKey: lines are only added
              <li key={index} data-line={line.type} ref={index === lines.length - 1 ? end : undefined}>
                {line.type === 'step' ? (
                  <>
                    <code>$ {line.command}</code>
                    <span>{line.answer}</span>
                  </>
                ) : line.type === 'said' ? (
                  line.text
                ) : (
                  <b data-verdict={line.finding.verdict}>
                    {line.finding.verdict} {line.finding.id} {line.finding.reasons.join('; ')}
                  </b>
                )}
              </li>
            ))}
          </ol>
        </TableBox>
      )}
    </section>
  )
}
