/** What passes between the nodes of the map: over the last minute, and at this moment. */
import type { LiveFrame, TelemetryReply } from '@svyaz/contracts/telemetry.ts'
import { useEffect, useRef, useState } from 'react'
import { askTelemetry, followTelemetry } from '../../live/telemetry.ts'

export type Edges = TelemetryReply<'edges'>
type EdgesFrame = Extract<LiveFrame, { type: 'edges' }>

export const windowS = 60
const againMs = 5_000

/**
 * The edges of the last minute, read again every few seconds while the page is seen.
 * @param heard what passed since the moment before
 * @returns undefined until the telemetry has answered once; `away` while it doesn't
 */
export function useTraffic(heard: (frame: EdgesFrame) => void): { edges: Edges | undefined; away: boolean } {
  const [edges, setEdges] = useState<Edges>()
  const [away, setAway] = useState(false)
  const listener = useRef(heard)
  listener.current = heard
  useEffect(() => {
    const gone = new AbortController()
    const look = async () => {
      if (document.hidden) return
      try {
        setEdges(await askTelemetry('edges', { windowS }, gone.signal))
        setAway(false)
      } catch {
        if (!gone.signal.aborted) setAway(true)
      }
    }
    void look()
    const timer = setInterval(() => void look(), againMs)
    const stop = followTelemetry({ edges: true }, (frame) => {
      if (frame.type === 'edges') listener.current(frame)
    })
    return () => {
      gone.abort()
      clearInterval(timer)
      stop()
    }
  }, [])
  return { edges, away }
}
