/** The last quarter of an hour as a line: how much passed, when something was away, and which moment the map shows. */
import { useEffect, useMemo, useRef } from 'react'
import type { PastProcesses } from '../../../../protocol.ts'
import { useTelemetry } from '../../live/use-telemetry.ts'
import { clock } from '../../shell/format.ts'
import { Icon } from '../../shell/icons.tsx'
import { type Language, usePreferences, useWords } from '../../shell/preferences.ts'
import { Radios } from '../../shell/radios.tsx'
import { frameMs, framesOfFalls, keyMeans, type Range, type Speed, speeds } from './moment.ts'
import type { Moment } from './use-moment.ts'
import { mapWords } from './words.ts'
import './time-bar.css'

/** Space plays and pauses, arrows step, wherever the focus is on the page; a touch leads back to the present. */
export function TimeBar({ moment, past }: { moment: Moment; past: PastProcesses | undefined }) {
  const words = useWords(mapWords)
  const { language } = usePreferences()
  const { atMs, range, playing, speed } = moment
  useMomentKeys(moment)
  const isPast = atMs !== undefined
  const shown = isPast ? secondsOf(atMs, language) : words.present
  const said = playing ? words.hold : isPast ? words.play : words.hold
  return (
    <section className="time-bar" aria-label={words.time} data-past={isPast || undefined}>
      <button
        type="button"
        className="square"
        onClick={moment.toggle}
        aria-label={said}
        title={`${said} (${words.space})`}
      >
        <Icon name={playing || !isPast ? 'pause' : 'start'} />
      </button>
      <div className="time-line">
        <Course range={range} past={past} atMs={atMs} />
        <input
          type="range"
          min={range.fromMs}
          max={range.toMs}
          step={frameMs}
          value={atMs ?? range.toMs}
          aria-label={words.moment}
          aria-valuetext={shown}
          onChange={({ target }) => moment.show(Number(target.value))}
        />
      </div>
      <p className="time-shown" role={playing ? undefined : 'status'}>
        {shown}
        {moment.tooOld && <span className="bad"> {words.tooOld}</span>}
      </p>
      <div className="time-acts">
        <Radios
          name="map-speed"
          legend={words.speed}
          names={Object.fromEntries(speeds.map((one) => [String(one), `${one}×`]))}
          value={String(speed)}
          choose={(one) => moment.choose(Number(one) as Speed)}
        />
        <button
          type="button"
          className={isPast ? 'main' : ''}
          disabled={!isPast}
          onClick={() => moment.show(undefined)}
        >
          {words.toPresent}
        </button>
      </div>
    </section>
  )
}

const secondsOf = (atMs: number, language: Language): string =>
  `${clock(new Date(atMs).toISOString(), language)} – ${clock(new Date(atMs + frameMs).toISOString(), language)}`

const height = 24
/** Of a frame's bar, in units of the drawing. */
const barWidth = 8
const frameWidth = 10

/** Bars of what passed and failed, on a logarithmic scale, and marks below where a process was away. */
function Course({ range, past, atMs }: { range: Range; past: PastProcesses | undefined; atMs: number | undefined }) {
  const { answer } = useTelemetry('edgeTotals', { windowS: (range.toMs - range.fromMs + frameMs) / 1_000 }, frameMs)
  const totals = answer?.totals ?? []
  const falls = useMemo(() => (past === undefined ? [] : framesOfFalls(past, range)), [past, range])
  const scale = Math.log1p(Math.max(20, ...totals.map(({ count }) => count)))
  const tall = (count: number) => (count === 0 ? 0 : Math.max(2, (height * Math.log1p(count)) / scale))
  const left = (time: number) => ((time - range.fromMs) / frameMs) * frameWidth
  const bar = (time: number, count: number, look: string) => (
    <rect
      key={`${look} ${time}`}
      className={look}
      x={left(time)}
      y={height - tall(count)}
      width={barWidth}
      height={tall(count)}
    />
  )
  const within = totals.filter((total) => total.atMs >= range.fromMs && total.atMs <= range.toMs)
  return (
    <svg
      viewBox={`0 0 ${left(range.toMs) + frameWidth} ${height + 5}`}
      preserveAspectRatio="none"
      aria-hidden="true"
      className="course"
    >
      {atMs !== undefined && <rect className="shown" x={left(atMs) - 1} y="0" width={frameWidth} height={height + 5} />}
      {within.map(({ atMs: time, count }) => bar(time, count, 'passed'))}
      {within.map(({ atMs: time, errors }) => errors > 0 && bar(time, errors, 'failed'))}
      {falls.map((time) => (
        <rect key={time} className="away" x={left(time)} y={height + 1} width={frameWidth} height="4" />
      ))}
    </svg>
  )
}

/** What of the page has the focus, as far as keys are concerned. */
function focusOf(target: EventTarget | null): Parameters<typeof keyMeans>[1] {
  if (!(target instanceof HTMLElement)) return 'other'
  if (target.matches('.time-line input')) return 'range'
  if (target.matches('input, select, textarea, [contenteditable]')) return 'field'
  return target.matches('button, a, summary, label') ? 'button' : 'other'
}

function useMomentKeys(moment: Moment): void {
  const { shortcuts } = usePreferences()
  const current = useRef(moment)
  current.current = moment
  useEffect(() => {
    const pressed = (event: KeyboardEvent) => {
      const { defaultPrevented, altKey, ctrlKey, metaKey, shiftKey, key, target } = event
      if (defaultPrevented || altKey || ctrlKey || metaKey || shiftKey) return
      if (document.querySelector('dialog[open]') !== null) return
      const meaning = keyMeans(key, focusOf(target), shortcuts === 'on')
      if (meaning === undefined) return
      event.preventDefault()
      if (meaning === 'toggle') current.current.toggle()
      else current.current.step(meaning === 'back' ? -1 : 1)
    }
    window.addEventListener('keydown', pressed)
    return () => window.removeEventListener('keydown', pressed)
  }, [shortcuts])
}
