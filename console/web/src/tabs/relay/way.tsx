/** The stations of the loop and the hops between them, with their durations. */
import { type CSSProperties, Fragment } from 'react'
import type { RelayPicture } from '../../../../protocol.ts'
import { useLive } from '../../live/use-live.ts'
import { micros } from '../../shell/format.ts'
import { usePreferences, useWords } from '../../shell/preferences.ts'
import { dotsOf, type Leg, legs, sharesOf, travelOf } from './picture.ts'
import { relayWords } from './words.ts'

/** MC1 stands twice: the loop, unrolled. */
const stations = [
  { process: 'mc1', name: 'MC1' },
  { process: 'mc2', name: 'MC2' },
  { process: 'mc3', name: 'MC3' },
  { process: 'mc1', name: 'MC1' },
  { process: 'postgres', name: 'PostgreSQL' },
] as const

/**
 * The three services and the hops between them.
 * @param moving whether messages are drawn on their way
 */
export function Way({ relay, moving }: { relay: RelayPicture; moving: boolean }) {
  const words = useWords(relayWords)
  const { language } = usePreferences()
  const { now, sessions } = relay
  const hops = now?.hops ?? undefined
  const sessionId = now?.session?.sessionId ?? (hops ? sessions[0]?.sessionId : undefined)
  const inFlight = now?.session?.inFlight ?? 1
  return (
    <section className="card way" aria-label={words.way}>
      <header>
        <h2>{words.way}</h2>
        {sessionId !== undefined && <span className="hint">{words.ofSession(sessionId)}</span>}
        {hops && (
          <span className="whole">
            {words.hops.total} <b>{micros(hops.total.p50, language)}</b>
          </span>
        )}
      </header>
      <ol className="chain">
        {stations.map(({ process, name }, index) => {
          const leg = legs[index]
          return (
            // biome-ignore lint/suspicious/noArrayIndexKey: a fixed list in which MC1 stands twice
            <Fragment key={index}>
              <Station process={process} name={name} />
              {leg && (
                <li className={`leg ${leg}`} data-leg={leg}>
                  <span className="protocol">{words.hops[leg]}</span>
                  <Line leg={leg} moving={moving} dots={dotsOf(inFlight)} micros={hops?.[leg].p50 ?? 0} />
                  <span className="median" title={words.median}>
                    {hops ? micros(hops[leg].p50, language) : '–'}
                  </span>
                  {hops && (
                    <span className="hint">
                      <span>{words.last(micros(hops[leg].last, language))}</span>
                      <span>{words.slowest(micros(hops[leg].p99, language))}</span>
                    </span>
                  )}
                </li>
              )}
            </Fragment>
          )
        })}
      </ol>
      {hops ? <Cycle hops={hops} moving={moving} /> : <p className="hint none">{words.none}</p>}
    </section>
  )
}

function Station({ process, name }: { process: string; name: string }) {
  const status = useLive((state) => state.processes.find(({ service }) => service === process)?.status)
  const look = status === undefined ? '' : status === 'ready' ? 'good' : status === 'stopped' ? 'bad' : 'busy'
  return (
    <li className={`station ${process}`} data-status={status}>
      <b>{name}</b>
      {status !== undefined && <span className={`dot ${look}`} title={status} />}
    </li>
  )
}

function Line({ leg, moving, dots, micros: taken }: { leg: Leg; moving: boolean; dots: number; micros: number }) {
  const seconds = travelOf(taken)
  return (
    <span className="line" aria-hidden="true">
      {moving &&
        Array.from({ length: dots }, (_, index) => (
          <i
            // biome-ignore lint/suspicious/noArrayIndexKey: the dots are all alike
            key={`${leg}-${index}`}
            style={
              { '--travel': `${seconds}s`, '--after': `${((-index * seconds) / dots).toFixed(2)}s` } as CSSProperties
            }
          />
        ))}
    </span>
  )
}

/** The cycle as one bar: what share each hop has. */
function Cycle({ hops, moving }: { hops: Record<Leg, { p50: number }>; moving: boolean }) {
  const words = useWords(relayWords)
  const { language } = usePreferences()
  const medians = Object.fromEntries(legs.map((leg) => [leg, hops[leg].p50])) as Record<Leg, number>
  const shares = sharesOf(medians)
  return (
    <div className="cycle">
      <div className="bar-of" role="img" aria-label={words.cycle}>
        {legs.map((leg) => (
          <span key={leg} className={`part ${leg}`} style={{ flexGrow: Math.max(0.5, shares[leg]) }} />
        ))}
      </div>
      <ul className="legend">
        {legs.map((leg) => (
          <li key={leg}>
            <span className={`swatch ${leg}`} />
            {words.hopFromTo[leg]} <b>{micros(medians[leg], language)}</b>
            <span className="hint">{Math.round(shares[leg])} %</span>
          </li>
        ))}
      </ul>
      {moving && <p className="hint slowed">{words.slowed}</p>}
    </div>
  )
}
