/** Lines of all processes: searched, followed, each with its trace. The filter is in the address. */
import type { LogLine } from '@svyaz/contracts/telemetry.ts'
import { useEffect, useId, useState } from 'react'
import { askTelemetry, followTelemetry } from '../../live/telemetry.ts'
import { useLive } from '../../live/use-live.ts'
import { FindField } from '../../shell/find-field.tsx'
import { clock } from '../../shell/format.ts'
import { Icon } from '../../shell/icons.tsx'
import { Link, say, useQuery } from '../../shell/place.tsx'
import { usePreferences, useWords } from '../../shell/preferences.ts'
import { Skeleton } from '../../shell/skeleton.tsx'
import { filterOf, type LogFilter, levels } from './filter.ts'
import { useFollowing } from './one-log.tsx'
import { RateBar } from './rate-bar.tsx'
import { logWords } from './words.ts'

/** Filter, rate and lines. */
export function AllLogs() {
  const words = useWords(logWords)
  const filter = filterOf(useQuery())
  const key = JSON.stringify(filter)
  const [paused, setPaused] = useState(false)
  const { lines, next, refused, older } = useAllLines(key, paused)
  const { box, following, scrolled, toNewest } = useFollowing(lines?.at(-1)?.id)
  return (
    <>
      <Filters filter={filter} paused={paused} pause={setPaused} />
      <RateBar filterKey={key} />
      <div
        className="log all"
        role="log"
        aria-label={words.all}
        // biome-ignore lint/a11y/noNoninteractiveTabindex: a box that scrolls must be reachable by keyboard
        tabIndex={0}
        ref={box}
        onScroll={scrolled}
        data-following={following}
      >
        {refused !== undefined && <p className="hint">{words.away(refused)}</p>}
        {lines === undefined && refused === undefined && <Skeleton rows={9} />}
        {lines?.length === 0 && <p className="hint">{words.none}</p>}
        {next !== null && lines !== undefined && lines.length > 0 && (
          <button type="button" className="quiet older" onClick={older}>
            {words.older}
          </button>
        )}
        {lines?.map((line) => (
          <Line key={line.id} line={line} />
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

function Line({ line: { atMs, level, instance, text, traceId, fields } }: { line: LogLine }) {
  const words = useWords(logWords)
  const { language } = usePreferences()
  const rest = Object.entries(fields)
    .map(([name, value]) => `${name}=${typeof value === 'string' ? value : JSON.stringify(value)}`)
    .join('  ')
  return (
    <p className={`line ${level}`}>
      <time>{clock(new Date(atMs).toISOString(), language)}</time>
      <span className="who">{instance}</span>
      {words.marked[level] !== undefined && <span className="level">{words.marked[level]}</span>}
      <span className="message">{text}</span>
      <span className="fields">{rest.slice(0, 600)}</span>
      {traceId !== undefined && (
        <Link className="to-trace" href={`/traces/${traceId}`} title={words.toTrace} aria-label={words.toTrace}>
          <Icon name="trace" />
        </Link>
      )}
    </p>
  )
}

interface FiltersProps {
  readonly filter: LogFilter
  readonly paused: boolean
  readonly pause: (paused: boolean) => void
}

function Filters({ filter, paused, pause }: FiltersProps) {
  const words = useWords(logWords)
  const id = useId()
  const processes = useLive((state) => state.processes)
  const services = [...new Set(processes.map(({ service }) => service))]
  const { service = '', level = '', text = '', trace } = filter
  return (
    <search className="filters">
      <div className="field">
        <label htmlFor={`${id}-service`}>{words.service}</label>
        <select id={`${id}-service`} value={service} onChange={({ target }) => say({ service: target.value })}>
          <option value="">{words.anyService}</option>
          {services.map((name) => (
            <option key={name}>{name}</option>
          ))}
        </select>
      </div>
      <div className="field">
        <label htmlFor={`${id}-level`}>{words.level}</label>
        <select id={`${id}-level`} value={level} onChange={({ target }) => say({ level: target.value })}>
          <option value="">{words.anyLevel}</option>
          {levels.map((name) => (
            <option key={name} value={name}>
              {name === 'error' ? words.levels[name] : words.andGraver(words.levels[name] ?? name)}
            </option>
          ))}
        </select>
      </div>
      <FindField wide label={words.text} hint={words.textHint} value={text} find={(q) => say({ q })} />
      {trace !== undefined && (
        <button type="button" className="quiet" title={words.withoutTrace} onClick={() => say({ trace: undefined })}>
          {words.ofTrace(trace)} <Icon name="close" />
        </button>
      )}
      <button type="button" aria-pressed={paused} onClick={() => pause(!paused)}>
        <Icon name={paused ? 'start' : 'pause'} />
        {paused ? words.follow : words.pause}
      </button>
    </search>
  )
}

/** Lines held; a page may be open for a day. */
const linesMax = 2_000
const pageLines = 200
/** Who types waits this long for an answer. */
const typingMs = 250

interface Lines {
  /** Oldest first. */
  readonly lines: readonly LogLine[] | undefined
  /** Where older ones begin; null at the end. */
  readonly next: string | null
  readonly refused: unknown
  readonly older: () => void
}

function useAllLines(key: string, paused: boolean): Lines {
  const [lines, setLines] = useState<readonly LogLine[]>()
  const [next, setNext] = useState<string | null>(null)
  const [refused, setRefused] = useState<unknown>()
  useEffect(() => {
    const gone = new AbortController()
    const filter = JSON.parse(key) as LogFilter
    const begin = async () => {
      try {
        const answer = await askTelemetry('logs', { ...filter, limit: pageLines }, gone.signal)
        setLines(answer.lines.toReversed())
        setNext(answer.next)
        setRefused(undefined)
      } catch (error) {
        if (!gone.signal.aborted) setRefused(error)
      }
    }
    const timer = setTimeout(() => void begin(), typingMs)
    return () => {
      clearTimeout(timer)
      gone.abort()
    }
  }, [key])
  useEffect(() => {
    if (paused) return
    return followTelemetry({ logs: JSON.parse(key) as LogFilter }, (frame) => {
      if (frame.type === 'logs') setLines((before) => before && withNew(before, frame.lines))
    })
  }, [key, paused])
  const older = async () => {
    if (next === null) return
    try {
      const answer = await askTelemetry('logs', { ...(JSON.parse(key) as LogFilter), limit: pageLines, cursor: next })
      setLines((before) => [...answer.lines.toReversed(), ...(before ?? [])].slice(0, linesMax))
      setNext(answer.next)
    } catch (error) {
      setRefused(error)
    }
  }
  return { lines, next, refused, older: () => void older() }
}

/** The first answer and the first frames may tell the same lines. */
function withNew(before: readonly LogLine[], fresh: readonly LogLine[]): LogLine[] {
  const known = new Set(before.slice(-pageLines).map(({ id }) => id))
  return [...before, ...fresh.filter(({ id }) => !known.has(id))].sort((a, b) => a.atMs - b.atMs).slice(-linesMax)
}
