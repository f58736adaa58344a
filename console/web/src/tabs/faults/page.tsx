/** The fault lab: an experiment is asked for, watched, and comes to a scorecard. */
import type { Experiment, FaultLabAnswer } from '../../../../protocol.ts'
import { useRead } from '../../live/use-read.ts'
import { count, duration } from '../../shell/format.ts'
import { usePreferences, useWords } from '../../shell/preferences.ts'
import { Skeleton } from '../../shell/skeleton.tsx'
import { Heads, TableBox } from '../../shell/table-box.tsx'
import { UnderWay } from '../../shell/under-way.tsx'
import './faults.css'
import { Form } from './form.tsx'
import { ScorecardView } from './scorecard.tsx'
import { faultWords } from './words.ts'

const againMs = 1_000

/** The form, and the experiment that runs or ran last. */
export default function FaultsPage() {
  const words = useWords(faultWords)
  const { answer, refused, again } = useRead<FaultLabAnswer>('/api/faults', againMs)
  if (answer === undefined)
    return refused === undefined ? <Skeleton rows={8} /> : <p className="card gone">{words.gone(refused)}</p>
  const { isThere, targets, experiment, other } = answer
  return (
    <div className="page faults-page">
      {other !== undefined && <UnderWay examination={other} asked={again} />}
      {isThere ? (
        <Form targets={targets} running={experiment?.running === true} possible={other === undefined} begun={again} />
      ) : (
        <p className="card gone">{words.notHere}</p>
      )}
      {experiment !== undefined && <Course experiment={experiment} />}
    </div>
  )
}

function Course({ experiment }: { experiment: Experiment }) {
  const words = useWords(faultWords)
  const { language } = usePreferences()
  const { asked, phase, counts, failed, scorecard, running, faults } = experiment
  const shown = (value: number) => count(value, language)
  return (
    <>
      <section className="card course" data-phase={phase} data-running={running || undefined}>
        <h2>{words.experiment(asked.seed)}</h2>
        <p role="status">
          <span className={`dot ${failed === undefined ? (running ? 'busy' : 'good') : 'bad'}`} />{' '}
          {failed === undefined ? words.phases[phase] : words.failed(failed)}
          {counts !== undefined &&
            ` · ${words.counts(shown(counts.accepted), shown(counts.refused), shown(counts.unanswered))}`}
        </p>
      </section>
      {scorecard !== undefined && <ScorecardView scorecard={scorecard} />}
      {faults.length > 0 && <Plan experiment={experiment} />}
    </>
  )
}

function Plan({ experiment: { faults, outcomes, running } }: { experiment: Experiment }) {
  const words = useWords(faultWords)
  const { language } = usePreferences()
  return (
    <TableBox label={words.plan}>
      <table className="data">
        <Heads
          columns={[words.at, { words: words.fault }, { words: words.target }, words.lasts, { words: words.became }]}
        />
        <tbody>
          {faults.map(({ kind, target, atMs, forMs }, index) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: the plan of an experiment never changes
            <tr key={index} data-fault={kind} data-state={outcomes[index]?.state ?? 'due'}>
              <td>{duration(atMs, language)}</td>
              <th scope="row" className="words">
                {words.kindsInShort[kind]}
              </th>
              <td className="words">{target}</td>
              <td>{forMs === undefined ? words.none : duration(forMs, language)}</td>
              <td className="words">
                <Became outcome={outcomes[index]} running={running} />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </TableBox>
  )
}

function Became({ outcome, running }: { outcome: Experiment['outcomes'][number] | undefined; running: boolean }) {
  const words = useWords(faultWords)
  const { language } = usePreferences()
  if (outcome === undefined) return <span className="hint">{running ? words.due : words.skipped}</span>
  if (outcome.state === 'under way') return <b>{words.underWay}</b>
  const { fired, recoveryMs, ordersInFlight, note } = outcome
  return (
    <>
      <span className={`dot ${fired ? 'good' : 'bad'}`} /> {fired ? words.fired : words.notFired}
      {recoveryMs !== undefined && `, ${words.back(duration(recoveryMs, language))}`}
      {ordersInFlight !== undefined && <span className="hint"> · {words.inFlight(ordersInFlight)}</span>}
      {note !== undefined && <span className="hint"> · {note}</span>}
    </>
  )
}
