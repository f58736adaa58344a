/** The sessions that were, newest first. */
import type { RelaySession } from '../../../../protocol.ts'
import { clock, count, duration, micros } from '../../shell/format.ts'
import { usePreferences, useWords } from '../../shell/preferences.ts'
import { Heads, TableBox } from '../../shell/table-box.tsx'
import { relayWords } from './words.ts'

/** The sessions so far, newest first. */
export function Sessions({
  sessions,
  current,
}: {
  sessions: readonly RelaySession[]
  current: RelaySession | undefined
}) {
  const words = useWords(relayWords)
  const { columns } = words
  return (
    <section className="card sessions" aria-label={words.sessions}>
      <h2>{words.sessions}</h2>
      {sessions.length === 0 && current === undefined ? (
        <p className="hint none">{words.noSessions}</p>
      ) : (
        <TableBox className="scrolls" label={words.table}>
          <table>
            <Heads
              columns={[
                columns.session,
                columns.state,
                columns.rate,
                columns.generated,
                columns.stored,
                columns.loop,
                columns.slow,
                columns.inFlight,
                columns.lasted,
                columns.started,
              ]}
            />
            <tbody>
              {withCurrent(sessions, current).map((session) => (
                <Row key={session.sessionId} session={session} />
              ))}
            </tbody>
          </table>
        </TableBox>
      )}
    </section>
  )
}

/** The list is asked for at a session's beginning and end; in between the running one is known better. */
const withCurrent = (sessions: readonly RelaySession[], current: RelaySession | undefined): readonly RelaySession[] =>
  current === undefined ? sessions : [current, ...sessions.filter(({ sessionId }) => sessionId !== current.sessionId)]

const looks: Readonly<Record<RelaySession['status'], string>> = {
  running: 'busy',
  stopping: 'busy',
  finished: 'good',
  interrupted: 'bad',
}

function Row({ session }: { session: RelaySession }) {
  const words = useWords(relayWords)
  const { language } = usePreferences()
  const { sessionId, status, missing, hops } = session
  const number = (value: number | null) => (value === null ? '?' : count(value, language))
  return (
    <tr data-session={sessionId} data-status={status}>
      <th scope="row">{sessionId}</th>
      <td>
        <span className="state">
          <span className={`dot ${looks[status]}`} />
          {words.statuses[status]}
        </span>
        {missing && (
          <small className="hint">
            {missing.count > 0 ? words.missing(count(missing.count, language)) : words.complete}
          </small>
        )}
      </td>
      <td>{number(session.messagesPerSecond)}</td>
      <td>{number(session.generated)}</td>
      <td>{number(session.stored)}</td>
      <td>{hops ? micros(hops.total.p50, language) : '–'}</td>
      <td>{hops ? micros(hops.total.p99, language) : '–'}</td>
      <td>{number(session.inFlight)}</td>
      <td>{duration(session.durationSeconds * 1_000, language)}</td>
      <td>{clock(session.startedAt, language)}</td>
    </tr>
  )
}
