/** Which moment the map shows, kept in the address, and how it is played. */
import { useEffect, useMemo, useRef, useState } from 'react'
import { useLive } from '../../live/use-live.ts'
import { useNow } from '../../shell/now.ts'
import { say, useQuery } from '../../shell/place.tsx'
import {
  advanced,
  frameMs,
  frameOf,
  keptMoment,
  momentIn,
  momentText,
  type Range,
  rangeAt,
  type Speed,
} from './moment.ts'

/** How often a moment that is played moves on, and how often the range does. */
const tickMs = 250
const rangeEveryMs = 5_000

export interface Moment {
  /** The beginning of the frame that is shown, ms since 1970; undefined for the present. */
  readonly atMs: number | undefined
  readonly range: Range
  readonly playing: boolean
  readonly speed: Speed
  /** The address asks for a time that is kept no longer. */
  readonly tooOld: boolean
  /** Shows a frame, and stays there; undefined is the present. */
  readonly show: (atMs: number | undefined) => void
  /** Plays what is shown, or pauses; the present pauses at the frame that is under way. */
  readonly toggle: () => void
  /** Goes some frames back or forth from what is shown. */
  readonly step: (frames: number) => void
  readonly choose: (speed: Speed) => void
}

const tell = (atMs: number | undefined) => say({ at: atMs === undefined ? undefined : momentText(atMs) })

/** The moment of the address, and what can be done with it. */
export function useMoment(): Moment {
  const asked = momentIn(useQuery().get('at'))
  const aheadMs = useLive((state) => state.clockAheadMs)
  useNow(rangeEveryMs)
  // Not as it was when the timer ticked last: a moment that was chosen since must be within the range.
  const presentMs = frameOf(Date.now() + aheadMs)
  const range = useMemo(() => rangeAt(presentMs), [presentMs])
  const atMs = keptMoment(asked, range)
  const [playing, setPlaying] = useState(false)
  const [speed, choose] = useState<Speed>(1)
  /** By the server's clock. */
  const rangeNow = useRef(() => range)
  rangeNow.current = () => rangeAt(Date.now() + aheadMs)
  const from = useRef(atMs)
  from.current = atMs
  useEffect(() => {
    if (!playing) return
    let position = from.current
    const timer = setInterval(() => {
      // Somebody has gone elsewhere meanwhile: it plays on from there.
      if (position === undefined || frameOf(position) !== from.current) position = from.current
      if (position !== undefined) position = advanced(position, tickMs, speed, rangeNow.current())
      if (position === undefined) setPlaying(false)
      if (position === undefined || frameOf(position) !== from.current)
        tell(position === undefined ? undefined : frameOf(position))
    }, tickMs)
    return () => clearInterval(timer)
  }, [playing, speed])
  const show = (next: number | undefined) => {
    setPlaying(false)
    tell(keptMoment(next, rangeNow.current()))
  }
  return {
    atMs,
    range,
    playing: playing && atMs !== undefined,
    speed,
    tooOld: asked !== undefined && asked < range.fromMs,
    show,
    toggle: () => {
      if (atMs === undefined) show(rangeNow.current().toMs)
      else setPlaying(!playing)
    },
    step: (frames) => {
      const { toMs } = rangeNow.current()
      const next = (atMs ?? toMs) + frames * frameMs
      show(next > toMs ? undefined : next)
    },
    choose,
  }
}
