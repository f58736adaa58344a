/** The log of one instance, as it is written. */
import { type UIEvent, useEffect, useLayoutEffect, useRef, useState } from 'react'
import { live, Refused } from '../../live/connection.ts'
import { useLive } from '../../live/use-live.ts'
import { clock } from '../../shell/format.ts'
import { Icon } from '../../shell/icons.tsx'
import { notify } from '../../shell/notice.tsx'
import { Link } from '../../shell/place.tsx'
import { usePreferences, useWords } from '../../shell/preferences.ts'
import { inEnglish, inRussian } from '../../shell/refusals.ts'
import { type LogLine, parseLine } from './line.ts'
import './logs.css'

const logWords = {
  en: {
    instances: 'Instances',
    newest: 'Newest',
    levels: { warn: 'warning', error: 'error' } as Readonly<Record<string, string>>,
    choose: 'Choose a process to read its log as it is written.',
    log: (name: string) => `Log of ${name}`,
    refused: (error: unknown) => `Refused: ${inEnglish(error)}`,
  },
  ru: {
    instances: 'Экземпляры',
    newest: 'К новым',
    levels: { warn: 'внимание', error: 'ошибка' } as Readonly<Record<string, string>>,
    choose: 'Выберите процесс, чтобы читать его журнал по мере записи.',
    log: (name: string) => `Журнал ${name}`,
    refused: (error: unknown) => `Отказ: ${inRussian(error)}`,
  },
}

/**
 * The Logs tab.
 * @param rest of the path: the process whose log is shown
 */
export default function LogsPage({ rest }: { rest: string }) {
  const words = useWords(logWords)
  const processes = useLive((state) => state.processes)
  const target = rest === '' ? undefined : rest
  return (
    <div className="logs-page">
      <nav className="card" aria-label={words.instances}>
        {processes.map(({ name, status }) => (
          <Link key={name} href={`/logs/${name}`} aria-current={name === target ? 'page' : undefined}>
            <span className={`dot ${status === 'ready' ? 'good' : 'busy'}`} />
            {name}
          </Link>
        ))}
      </nav>
      <section className="card" aria-label={target === undefined ? undefined : words.log(target)}>
        {target === undefined ? <p className="hint">{words.choose}</p> : <Log key={target} target={target} />}
      </section>
    </div>
  )
}

/** Lines held; older ones go. */
const linesMax = 1_000
const firstLines = 200
/** So near to the end of the box counts as there. */
const endPx = 40
/** Lines are shown in batches: a busy service writes hundreds a second. */
const showEveryMs = 200

interface Shown extends LogLine {
  readonly id: number
}

function Log({ target }: { target: string }) {
  const words = useWords(logWords)
  const { language } = usePreferences()
  const connected = useLive((state) => state.connection === 'open')
  const [lines, setLines] = useState<readonly Shown[]>([])
  const box = useRef<HTMLDivElement>(null)
  /** Until the person scrolls up; then until they are at the end again. */
  const [following, setFollowing] = useState(true)
  useEffect(() => {
    if (!connected) return
    const gone = new AbortController()
    let id = 0
    let waiting: Shown[] = []
    setLines([])
    const timer = setInterval(() => {
      if (waiting.length === 0) return
      const fresh = waiting
      waiting = []
      setLines((before) => [...before, ...fresh].slice(-linesMax))
    }, showEveryMs)
    const read = async () => {
      for await (const { line } of live.logs(target, firstLines, gone.signal))
        waiting.push({ ...parseLine(line), id: id++ })
    }
    read().catch((error: unknown) => {
      if (!gone.signal.aborted && error instanceof Refused) notify(words.refused(error))
    })
    return () => {
      gone.abort()
      clearInterval(timer)
    }
  }, [target, connected, words.refused])
  const last = lines.at(-1)?.id
  useLayoutEffect(() => {
    if (last !== undefined && following && box.current) box.current.scrollTop = box.current.scrollHeight
  }, [last, following])
  const scrolled = ({ currentTarget: { scrollHeight, scrollTop, clientHeight } }: UIEvent<HTMLDivElement>) =>
    setFollowing(scrollHeight - scrollTop - clientHeight < endPx)
  const toNewest = () => {
    setFollowing(true)
    // The button goes; who pressed it by the keyboard goes on reading.
    box.current?.focus({ preventScroll: true })
  }
  return (
    <>
      <div
        className="log"
        role="log"
        aria-label={words.log(target)}
        // biome-ignore lint/a11y/noNoninteractiveTabindex: a box that scrolls must be reachable by keyboard
        tabIndex={0}
        ref={box}
        onScroll={scrolled}
        data-following={following}
      >
        {lines.map(({ id, time, level, message, fields }) => (
          <p key={id} className={`line ${level}`}>
            {time !== undefined && <time>{clock(time, language)}</time>}
            {words.levels[level] !== undefined && <span className="level">{words.levels[level]}</span>}
            <span className="message">{message}</span>
            <span className="fields">{fields}</span>
          </p>
        ))}
      </div>
      {!following && (
        <button type="button" className="newest" onClick={toNewest}>
          <Icon name="down" />
          {words.newest}
        </button>
      )}
    </>
  )
}
