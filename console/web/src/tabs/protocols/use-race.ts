/** One race at a time, and how it stands. */
import { useEffect, useState } from 'react'
import type { RaceAsked, RaceLane, RaceLine, RaceResult } from '../../../../race.ts'
import { live } from '../../live/connection.ts'

export interface RaceState {
  readonly begin?: Extract<RaceLine, { type: 'begin' }>
  readonly results: Readonly<Partial<Record<RaceLane, RaceResult>>>
  readonly cut?: boolean
  readonly failed?: unknown
}

/** Pure: the state after one more line. */
export function after(state: RaceState, line: RaceLine): RaceState {
  if (line.type === 'begin') return { begin: line, results: {} }
  if (line.type === 'end') return { ...state, cut: line.cut }
  return { ...state, results: { ...state.results, [line.result.lane]: line.result } }
}

/** `start` begins a race in place of one that runs. */
export function useRace() {
  const [asked, setAsked] = useState<RaceAsked>()
  const [state, setState] = useState<RaceState>()
  useEffect(() => {
    if (asked === undefined) return
    const gone = new AbortController()
    setState({ results: {} })
    const run = async () => {
      for await (const line of live.race(asked, gone.signal))
        setState((before) => after(before ?? { results: {} }, line))
    }
    run()
      .catch((failed: unknown) => !gone.signal.aborted && setState((before) => ({ results: {}, ...before, failed })))
      .finally(() => !gone.signal.aborted && setAsked(undefined))
    return () => gone.abort()
  }, [asked])
  return {
    state,
    running: asked !== undefined,
    start: (next: RaceAsked) => setAsked({ ...next }),
    stop: () => setAsked(undefined),
  }
}
