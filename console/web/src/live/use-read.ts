import { useCallback, useEffect, useState } from 'react'
import { type Refused, read } from './connection.ts'

interface Reading<T> {
  /** The latest; stays while the next one is on its way. */
  readonly answer: T | undefined
  /** Why there is none, or no newer one. */
  readonly refused: Refused | undefined
  /** Reads again now. */
  readonly again: () => void
}

/**
 * What the console's server answers at a path, read again from time to time while the page is seen.
 * @param everyMs 0 reads once
 */
export function useRead<T>(path: string, everyMs: number): Reading<T> {
  const [state, setState] = useState<{ path: string; answer?: T; refused?: Refused }>({ path })
  const [round, setRound] = useState(0)
  // biome-ignore lint/correctness/useExhaustiveDependencies: a new round reads the same again
  useEffect(() => {
    const gone = new AbortController()
    const look = async () => {
      try {
        const answer = await read<T>(path, gone.signal)
        setState({ path, answer })
      } catch (error) {
        if (gone.signal.aborted) return
        setState((before) => ({ ...(before.path === path ? before : { path }), refused: error as Refused }))
      }
    }
    void look()
    const timer = everyMs === 0 ? undefined : setInterval(() => !document.hidden && void look(), everyMs)
    return () => {
      gone.abort()
      clearInterval(timer)
    }
  }, [path, everyMs, round])
  const again = useCallback(() => setRound((before) => before + 1), [])
  const { answer, refused } = state.path === path ? state : { answer: undefined, refused: undefined }
  return { answer, refused, again }
}
