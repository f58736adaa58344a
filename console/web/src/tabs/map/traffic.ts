/** What passes between the nodes of the map: over the last minute, and at this moment. */
import type { LiveFrame, TelemetryReply } from '@svyaz/contracts/telemetry.ts'
import { useEffect, useRef, useState } from 'react'
import { askTelemetry, followTelemetry } from '../../live/telemetry.ts'
import type { Breakers } from './graph.ts'

export type Edges = TelemetryReply<'edges'>
type EdgesFrame = Extract<LiveFrame, { type: 'edges' }>

export const windowS = 60
const againMs = 5_000
/** PromQL: those that aren't closed. */
export const openBreakers = 'breaker_state > 0'

interface Traffic {
  /** Undefined until the telemetry has answered once. */
  readonly edges: Edges | undefined
  readonly breakers: Breakers
  /** The telemetry doesn't answer. */
  readonly away: boolean
}

/**
 * The edges of the last minute, and the breakers, read again every few seconds while the page is seen.
 * @param isPresent whether the present is looked at; else nothing is read
 * @param heard what passed since the moment before
 */
export function useTraffic(isPresent: boolean, heard: (frame: EdgesFrame) => void): Traffic {
  const [read, setRead] = useState<{ edges?: Edges; breakers: Breakers }>({ breakers: [] })
  const [away, setAway] = useState(false)
  const listener = useRef(heard)
  listener.current = heard
  useEffect(() => {
    if (!isPresent) return
    const gone = new AbortController()
    const look = async () => {
      if (document.hidden) return
      try {
        const [edges, { series }] = await Promise.all([
          askTelemetry('edges', { windowS }, gone.signal),
          askTelemetry('metric', { query: openBreakers }, gone.signal),
        ])
        setRead({ edges, breakers: series })
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
  }, [isPresent])
  return { edges: read.edges, breakers: read.breakers, away }
}
