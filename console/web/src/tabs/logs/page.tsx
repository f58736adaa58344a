/** The log of one instance, as it is written. */
import { useEffect, useRef, useState } from 'react'
import { live, Refused } from '../../live/connection.ts'
import { useLive } from '../../live/use-live.ts'
import { clock } from '../../shell/format.ts'
import { notify } from '../../shell/notice.tsx'
import { Link } from '../../shell/place.tsx'
import { usePreferences, useWords } from '../../shell/preferences.ts'
import { type LogLine, parseLine } from './line.ts'
import './logs.css'

const logWords = {
  en: {
    instances: 'Instances',
    choose: 'Choose a process to read its log as it is written.',
    log: (name: string) => `Log of ${name}`,
  },
  ru: {
    instances: 'Экземпляры',
    choose: 'Выберите процесс, чтобы читать его журнал по мере записи.',
    log: (name: string) => `Журнал ${name}`,
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
/** Lines are shown in batches: a busy service writes hundreds a second. */
const showEveryMs = 200

interface Shown extends LogLine {
  readonly id: number
}

function Log({ target }: { target: string }) {
  const { language } = usePreferences()
  const connected = useLive((state) => state.connection === 'open')
  const [lines, setLines] = useState<readonly Shown[]>([])
  const end = useRef<HTMLDivElement>(null)
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
      if (!gone.signal.aborted && error instanceof Refused) notify(error.message)
    })
    return () => {
      gone.abort()
      clearInterval(timer)
    }
  }, [target, connected])
  const last = lines.at(-1)?.id
  useEffect(() => {
    const box = end.current?.parentElement
    // Follows the end only while the person is there.
    if (last !== undefined && box && box.scrollHeight - box.scrollTop - box.clientHeight < 200)
      box.scrollTop = box.scrollHeight
  }, [last])
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a box that scrolls must be reachable by keyboard
    <div className="log" role="log" tabIndex={0}>
      {lines.map(({ id, time, level, message, fields }) => (
        <p key={id} className={`line ${level}`}>
          {time !== undefined && <time>{clock(time, language)}</time>}
          <span className="message">{message}</span>
          <span className="fields">{fields}</span>
        </p>
      ))}
      <div ref={end} />
    </div>
  )
}
