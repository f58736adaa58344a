/** How a session goes: its messages/s over time, and its latest messages one by one. */
import type { RelayPicture } from '../../../../protocol.ts'
import { count, duration, micros } from '../../shell/format.ts'
import { usePreferences, useWords } from '../../shell/preferences.ts'
import { chartBox, chartOf, legs, longest } from './picture.ts'
import { relayWords } from './words.ts'

/** How a session goes: its messages a second over time. */
export function Course({ relay }: { relay: RelayPicture }) {
  const words = useWords(relayWords)
  const { language } = usePreferences()
  const { now, points, sessions } = relay
  const last = sessions[0]
  const intervalSeconds =
    now?.session?.intervalSeconds ?? Math.min(last?.durationSeconds ?? 0, last?.intervalSeconds ?? 0)
  const { line, area, most, seconds } = chartOf(points, intervalSeconds)
  const time = duration(seconds * 1_000, language)
  return (
    <section className="card course" aria-label={words.course}>
      <h2>{words.course}</h2>
      {points.length === 0 ? (
        <p className="hint none">{words.none}</p>
      ) : (
        <figure>
          <svg
            viewBox={`0 0 ${chartBox.width} ${chartBox.height}`}
            preserveAspectRatio="none"
            role="img"
            aria-label={words.courseOf(count(most, language), time)}
          >
            <path className="grid" d={`M0 .5H${chartBox.width}M0 ${chartBox.height / 2}H${chartBox.width}`} />
            <path className="area" d={area} />
            <path className="curve" d={line} />
          </svg>
          <span className="most">{count(most, language)}</span>
          <span className="half">{count(most / 2, language)}</span>
          <span className="from">0</span>
          <span className="until">{time}</span>
        </figure>
      )}
    </section>
  )
}

/** The latest messages with their stamps. */
export function Latest({ relay }: { relay: RelayPicture }) {
  const words = useWords(relayWords)
  const { language } = usePreferences()
  const latest = relay.now?.latest ?? []
  const whole = longest(latest)
  return (
    <section className="card latest" aria-label={words.latest}>
      <h2>{words.latest}</h2>
      {latest.length === 0 && <p className="hint none">{words.none}</p>}
      <ol>
        {latest.slice(0, 10).map((message) => (
          <li key={message.id}>
            <span className="id">{count(message.id, language)}</span>
            <span className="strip" aria-hidden="true">
              {legs.map((leg) => (
                <span key={leg} className={`part ${leg}`} style={{ width: `${(100 * message[leg]) / whole}%` }} />
              ))}
            </span>
            <span className="took">{micros(message.total + message.commit, language)}</span>
          </li>
        ))}
      </ol>
    </section>
  )
}
