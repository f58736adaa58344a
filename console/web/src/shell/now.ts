import { useEffect, useState } from 'react'
import { useLive } from '../live/use-live.ts'

/** The server's clock in ms since 1970, redrawn every `everyMs`; 0 stops it. */
export function useNow(everyMs: number): number {
  const aheadMs = useLive((state) => state.clockAheadMs)
  const [now, setNow] = useState(() => Date.now())
  useEffect(() => {
    setNow(Date.now())
    if (everyMs === 0) return
    const timer = setInterval(() => {
      if (!document.hidden) setNow(Date.now())
    }, everyMs)
    return () => clearInterval(timer)
  }, [everyMs])
  return now + aheadMs
}
