/** What consumers gave up on, by its cause, and its way back to them. */
import { useState } from 'react'
import type { DeadLetterCause, ReplayAnswer } from '../../../../protocol.ts'
import { live } from '../../live/connection.ts'
import { useRead } from '../../live/use-read.ts'
import { clock } from '../../shell/format.ts'
import { Icon } from '../../shell/icons.tsx'
import { notify } from '../../shell/notice.tsx'
import { Link } from '../../shell/place.tsx'
import { usePreferences, useWords } from '../../shell/preferences.ts'
import { Skeleton } from '../../shell/skeleton.tsx'
import { Twice } from '../../shell/twice.tsx'
import { topicWords } from './words.ts'

const againMs = 5_000

/** A card for each cause. */
export function DeadLetters() {
  const words = useWords(topicWords)
  const { answer, refused, again } = useRead<{ causes: readonly DeadLetterCause[] }>('/api/dead-letters', againMs)
  if (answer === undefined)
    return refused === undefined ? <Skeleton rows={6} /> : <p className="card gone">{words.away(refused)}</p>
  if (answer.causes.length === 0) return <p className="card gone">{words.noLetters}</p>
  return (
    <ul className="causes">
      {answer.causes.map((cause) => (
        <Cause
          key={JSON.stringify([cause.topic, cause.consumer, cause.type, cause.cause])}
          cause={cause}
          done={again}
        />
      ))}
    </ul>
  )
}

function Cause({ cause, done }: { cause: DeadLetterCause; done: () => void }) {
  const words = useWords(topicWords)
  const { language } = usePreferences()
  const [outcome, setOutcome] = useState<ReplayAnswer>()
  const { topic, consumer, ids } = cause
  const ask = async (dryRun: boolean) => {
    try {
      setOutcome(await live.replay({ topic, consumer, ids, dryRun }))
      if (!dryRun) done()
    } catch (error) {
      notify(words.couldNot(error))
    }
  }
  const times = words.between(clock(cause.firstAt, language), clock(cause.lastAt, language))
  return (
    <li className="card cause" data-outstanding={cause.outstanding} data-consumer={consumer}>
      <h2>
        {cause.type || words.noEvent} <span className="hint">{topic}</span>
      </h2>
      <p className="counts">
        <span className={`dot ${cause.outstanding > 0 ? 'bad' : 'good'}`} />{' '}
        {cause.outstanding > 0 ? words.outstanding(cause.outstanding) : words.allSettled}
      </p>
      <p className="error">{cause.error}</p>
      <p className="hint">
        {words.gaveUp(consumer)} · {words.letters(cause.letters)}, {times}
      </p>
      <p className="buttons">
        {cause.traceId !== undefined && (
          <Link className="button" href={`/traces/${cause.traceId}`}>
            <Icon name="trace" />
            {words.trace}
          </Link>
        )}
        {ids.length > 0 && (
          <>
            <button type="button" onClick={() => void ask(true)}>
              <Icon name="flask" />
              {words.dryRun}
            </button>
            <Twice
              icon="restart"
              text={words.replay(ids.length)}
              really={words.reallyReplay(ids.length, consumer)}
              act={() => ask(false)}
            />
          </>
        )}
      </p>
      {outcome !== undefined && <Outcome outcome={outcome} />}
    </li>
  )
}

function Outcome({ outcome }: { outcome: ReplayAnswer }) {
  const words = useWords(topicWords)
  return (
    <section className="outcome" aria-label={words.replayed} role="status">
      <ul>
        {outcome.rows.map(({ id, outcome: what, reason }) => (
          <li key={id} data-outcome={what}>
            <code>{id}</code> <b>{words.outcomes[what]}</b>
            {reason !== undefined && <span className="hint"> {reason}</span>}
          </li>
        ))}
      </ul>
    </section>
  )
}
