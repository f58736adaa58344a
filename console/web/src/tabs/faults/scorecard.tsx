/** What an experiment came to: accepted, lost, done twice, how long recovery took, and each invariant with what breaks it. */
import type { Concern, Scorecard } from '@svyaz/contracts/fault-lab.ts'
import { count, duration } from '../../shell/format.ts'
import { usePreferences, useWords } from '../../shell/preferences.ts'
import { faultWords } from './words.ts'

const concerns: readonly Concern[] = ['lost', 'doubled', 'wrong']

/** The scorecard of an experiment. */
export function ScorecardView({ scorecard }: { scorecard: Scorecard }) {
  const words = useWords(faultWords)
  const { language } = usePreferences()
  const { counts, fired, planned, recoveryMsMax, restMs, judgements } = scorecard
  return (
    <section className="card scorecard" aria-label={words.scorecard}>
      <h2>{words.scorecard}</h2>
      <dl>
        <div data-figure="accepted">
          <dt>{words.accepted}</dt>
          <dd>{count(counts.accepted, language)}</dd>
        </div>
        {concerns.map((concern) => (
          <div key={concern} data-figure={concern} data-bad={scorecard[concern] > 0 || undefined}>
            <dt>{words.concerns[concern]}</dt>
            <dd>{count(scorecard[concern], language)}</dd>
          </div>
        ))}
        <div data-figure="recovery">
          <dt>{words.recovery}</dt>
          <dd>{recoveryMsMax === undefined ? words.none : duration(recoveryMsMax, language)}</dd>
        </div>
        <div data-figure="rest" data-bad={restMs === undefined || undefined}>
          <dt>{words.rest}</dt>
          <dd>{restMs === undefined ? words.notAtRest : duration(restMs, language)}</dd>
        </div>
      </dl>
      <p className="hint">{words.happened(fired, planned)}</p>
      <h3>{words.judgements}</h3>
      <ul>
        {judgements.map(({ id, promise, breaches, found }) => (
          <li key={id} data-judgement={id} data-bad={breaches > 0 || undefined}>
            <span className={`dot ${breaches === 0 ? 'good' : 'bad'}`} /> <b>{id}</b> <span lang="en">{promise}</span>:{' '}
            {breaches === 0 ? words.holds : words.breaches(breaches)}
            {found.map((text) => (
              <p key={text} className="found" lang="en">
                {text}
              </p>
            ))}
          </li>
        ))}
      </ul>
    </section>
  )
}
