/** The relay loop: start, stop, and how long each hop takes, as it happens. */
import { useEffect, useState } from 'react'
import type { RelayPicture } from '../../../../protocol.ts'
import { live } from '../../live/connection.ts'
import { useLive } from '../../live/use-live.ts'
import { count } from '../../shell/format.ts'
import { Icon } from '../../shell/icons.tsx'
import { notify } from '../../shell/notice.tsx'
import { usePreferences, useWords } from '../../shell/preferences.ts'
import { Course, Latest } from './course.tsx'
import { type Mood, moodOf } from './picture.ts'
import { Sessions } from './sessions.tsx'
import { Way } from './way.tsx'
import { relayWords } from './words.ts'
import './relay.css'

/** The Relay tab: asks for pictures of the loop while it is shown. */
export default function RelayPage() {
  const relay = useLive((state) => state.relay)
  useEffect(() => {
    live.look('relay', true)
    return () => live.look('relay', false)
  }, [])
  const mood = moodOf(relay)
  return (
    <div className="relay-page" data-mood={mood}>
      <Head relay={relay} mood={mood} />
      <Way relay={relay} moving={mood === 'running' || mood === 'stopping'} />
      <Course relay={relay} />
      <Latest relay={relay} />
      <Sessions sessions={relay.sessions} current={relay.now?.session ?? undefined} />
    </div>
  )
}

const looks: Readonly<Record<Mood, string>> = {
  absent: 'bad',
  unknown: 'busy',
  away: 'bad',
  unlinked: 'busy',
  ready: 'good',
  running: 'good',
  stopping: 'busy',
}

function Head({ relay, mood }: { relay: RelayPicture; mood: Mood }) {
  const words = useWords(relayWords)
  const { language } = usePreferences()
  const { now } = relay
  const session = now?.session ?? undefined
  const said = words.states[mood]
  const settings = session ? { ...session, messagesPerSecond: 0 } : now?.settings
  return (
    <section className="card relay-head" aria-label={words.title}>
      <div className="what">
        <h2>{words.title}</h2>
        <p className="hint">{words.about}</p>
      </div>
      <div className="control">
        <p className="mood" role="status">
          <span className={`dot ${looks[mood]}`} />
          {typeof said === 'function' ? said(session?.sessionId ?? 0) : said}
        </p>
        <Command mood={mood} />
      </div>
      {settings !== undefined && (
        <ul className="settings" aria-label={words.settings}>
          <li>{words.seconds(settings.intervalSeconds.toLocaleString(language))}</li>
          <li>{words.inFlight(count(settings.inFlight, language))}</li>
          {settings.payloadBytes > 0 && <li>{words.padding(count(settings.payloadBytes, language))}</li>}
          {settings.messagesPerSecond > 0 && <li>{words.pace(count(settings.messagesPerSecond, language))}</li>}
          <li className="file">{words.file}</li>
        </ul>
      )}
      <Figures relay={relay} />
      <progress
        className="time"
        aria-label={words.progress}
        max={1}
        value={session ? Math.min(1, session.durationSeconds / session.intervalSeconds) : 0}
      />
    </section>
  )
}

/** Of the running session; else of the last one. The rate is that of this moment while it runs. */
function Figures({ relay }: { relay: RelayPicture }) {
  const words = useWords(relayWords)
  const { language } = usePreferences()
  const running = relay.now?.session ?? undefined
  const session = running ?? relay.sessions[0]
  const rate = running ? relay.points.at(-1)?.messagesPerSecond : session?.messagesPerSecond
  const figure = (name: keyof typeof words.figures, value: number | null | undefined) => (
    <div className={name}>
      <dt>{words.figures[name]}</dt>
      <dd>
        {value === undefined ? '–' : value === null ? <small>{words.figures.missing}</small> : count(value, language)}
      </dd>
    </div>
  )
  return (
    <dl className="figures">
      {figure('rate', rate)}
      {figure('generated', session?.generated)}
      {figure('stored', session?.stored)}
      {figure('unconfirmed', session?.unconfirmed)}
    </dl>
  )
}

function Command({ mood }: { mood: Mood }) {
  const words = useWords(relayWords)
  const [busy, setBusy] = useState(false)
  const runs = mood === 'running' || mood === 'stopping'
  const command = async () => {
    setBusy(true)
    try {
      await live.relay(runs ? 'stop' : 'start')
    } catch (error) {
      notify(words.refused(error))
    } finally {
      setBusy(false)
    }
  }
  return (
    <button
      type="button"
      className={runs ? 'danger' : 'main'}
      aria-busy={busy}
      disabled={busy || mood === 'stopping' || !(runs || mood === 'ready' || mood === 'unlinked')}
      onClick={() => void command()}
    >
      <Icon name={busy ? 'restart' : runs ? 'stop' : 'start'} />
      {runs ? words.stop : words.start}
    </button>
  )
}
