/** One row: what is asked, where it is met, what proves it here and on engines, and what came of it. */
import type { AssignmentRow, ProofFound } from '../../../../assignment.ts'
import { age, duration } from '../../shell/format.ts'
import { useNow } from '../../shell/now.ts'
import { say, useQuery } from '../../shell/place.tsx'
import { usePreferences, useWords } from '../../shell/preferences.ts'
import { RunButton, type RunProps } from './run-button.tsx'
import { assignmentWords } from './words.ts'

interface RowProps extends RunProps {
  readonly row: AssignmentRow
  readonly found: ProofFound | undefined
}

const looks = { PASS: 'good', FAIL: 'bad', 'NOT RUN': 'busy' } as const

/** Opened by its line, or by the address. The rows are in English, as the list is that the judge reads. */
export function Row({ row, found, ...buttons }: RowProps) {
  const words = useWords(assignmentWords)
  const { language } = usePreferences()
  const open = useQuery().get('row') === row.id
  const now = useNow(30_000)
  return (
    <li className="assignment-row" data-row={row.id} data-verdict={found?.verdict}>
      <details open={open}>
        {/* biome-ignore lint/a11y/noStaticElementInteractions: a summary is a button, which the rule doesn't know */}
        <summary
          onClick={(event) => {
            // The address says what is open; React opens it.
            event.preventDefault()
            say({ row: open ? undefined : row.id })
          }}
        >
          <span className={`dot ${found === undefined ? '' : looks[found.verdict]}`} />
          <b>{row.id}</b>
          <span lang="en">{row.what}</span>
          <span className="verdict">
            {found === undefined
              ? row.isProven
                ? words.notYet
                : words.elsewhere
              : `${words.verdicts[found.verdict]} · ${words.ago(age(now - Date.parse(found.at), language))}`}
          </span>
        </summary>
        {open && (
          <div className="row-body">
            {found !== undefined && <Found found={found} />}
            <Facts row={row} />
            {row.isProven && <RunButton {...buttons} row={row.id} text={words.run(row.id)} disturbs={row.disturbs} />}
          </div>
        )}
      </details>
    </li>
  )
}

function Found({ found: { reasons, tookMs, who, verdict } }: { found: ProofFound }) {
  const words = useWords(assignmentWords)
  const { language } = usePreferences()
  return (
    <div className="found">
      <p>
        <b>{words.verdicts[verdict]}</b> · {words.ranHere} · {duration(tookMs, language)}
        {who !== '' && ` · ${who}`}
      </p>
      {reasons.map((reason) => (
        <p key={reason} className={verdict === 'FAIL' ? 'bad' : 'hint'} lang="en">
          {reason}
        </p>
      ))}
    </div>
  )
}

function Facts({ row: { proof, artefacts, missing, elsewhere, disturbs, engines } }: { row: AssignmentRow }) {
  const words = useWords(assignmentWords)
  return (
    <dl>
      <dt>{words.proof}</dt>
      <dd>
        <span lang="en">{proof}</span>
        {disturbs && <span className="hint"> {words.disturbs}</span>}
      </dd>
      <dt>{words.where}</dt>
      <dd>
        {artefacts.map((path) => (
          <code key={path}>{path}</code>
        ))}
      </dd>
      {missing !== undefined && (
        <>
          <dt>{words.missing}</dt>
          <dd lang="en">
            {missing}
            {elsewhere !== undefined && <code>{elsewhere}</code>}
          </dd>
        </>
      )}
      {engines !== undefined && (
        <>
          <dt>{words.engines}</dt>
          <dd>
            {engines.names.join(', ')}
            <code>{engines.command}</code>
            <Recorded recorded={engines.recorded} />
          </dd>
        </>
      )}
    </dl>
  )
}

function Recorded({ recorded }: { recorded: NonNullable<AssignmentRow['engines']>['recorded'] }) {
  const words = useWords(assignmentWords)
  if (recorded === undefined) return <span className="hint">{words.notRecorded}</span>
  return (
    <ul className="suites">
      {recorded.suites.map(({ file, passed, failed, skipped }) => (
        <li key={file} className={failed > 0 ? 'bad' : undefined}>
          {recorded.at} · {words.suite(passed, failed)} · <code>{file}</code>
          {skipped.map((why) => (
            <span key={why} className="hint" lang="en">
              {why}
            </span>
          ))}
        </li>
      ))}
    </ul>
  )
}
