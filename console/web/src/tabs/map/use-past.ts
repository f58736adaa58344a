/** What the map shows of a moment that is over: read frame by frame, as the telemetry and the console have kept it. */
import type { LiveFrame } from '@svyaz/contracts/telemetry.ts'
import { useEffect, useMemo, useRef, useState } from 'react'
import { keep, type PastProcesses, type Process } from '../../../../protocol.ts'
import { askTelemetry } from '../../live/telemetry.ts'
import { useRead } from '../../live/use-read.ts'
import { frameEveryMs } from './bursts.ts'
import type { Breakers } from './graph.ts'
import { frameMs, partOf, processesIn, type Speed, withAll, withInstances } from './moment.ts'
import { type Edges, openBreakers, windowS } from './traffic.ts'

type EdgesFrame = Extract<LiveFrame, { type: 'edges' }>

/** One frame of the past. */
interface Frame {
  readonly atMs: number
  /** Of the minute that ends with it, as the live map has it. */
  readonly edges: Edges
  /** In these seconds alone: what moves. */
  readonly passed: Edges['edges']
  readonly breakers: Breakers
}

export interface Past {
  /** Undefined while none was read yet. */
  readonly frame: Frame | undefined
  /** The telemetry doesn't answer. */
  readonly away: boolean
  /** How the processes were; empty where nobody supervises. */
  readonly processes: readonly Process[]
  readonly kept: PastProcesses | undefined
}

/** Frames that a page remembers: a little more than there are. */
const framesMax = 100
/** Spans come a few seconds late: a frame that began less before the present one may still change. */
const settledAfterMs = 2 * frameMs
const againMs = 3_000
const processesEveryMs = 5_000

/**
 * @param atMs the beginning of a frame; undefined reads nothing but how the processes were
 * @param untilMs how far the past goes by now
 * @param play how fast what passed is to be heard of; undefined while nothing plays
 * @param heard each part of what passed, as live frames come
 */
export function usePast(
  atMs: number | undefined,
  untilMs: number,
  play: Speed | undefined,
  heard: (frame: EdgesFrame) => void,
): Past {
  const { answer: kept } = useRead<PastProcesses>('/api/processes/past', processesEveryMs)
  const supervised = kept !== undefined && kept.changes.length > 0
  const { frame, away } = useFrame(atMs, supervised, atMs !== undefined && untilMs - atMs > settledAfterMs)
  useParts(frame, play, heard)
  // Of the frame that is there, while the next one is on its way.
  const shownMs = frame?.atMs
  const processes = useMemo(
    () => (shownMs === undefined || kept === undefined ? [] : processesIn(kept, shownMs, shownMs + frameMs)),
    [shownMs, kept],
  )
  return { frame: atMs === undefined ? undefined : frame, away, processes, kept }
}

/** The frame of a moment; the one before stays until it has come. @param settled it won't change any more */
function useFrame(atMs: number | undefined, supervised: boolean, settled: boolean) {
  const [frame, setFrame] = useState<Frame>()
  const [away, setAway] = useState(false)
  const known = useRef(new Map<number, Frame>())
  const all = useRef<Edges>(undefined)
  useEffect(() => {
    if (atMs === undefined) {
      known.current.clear()
      all.current = undefined
      setFrame(undefined)
      return
    }
    const found = settled ? known.current.get(atMs) : undefined
    if (found !== undefined) return setFrame(found)
    const gone = new AbortController()
    const look = async () => {
      try {
        all.current ??= await askTelemetry('edges', { windowS: keep.pastMs / 1_000 }, gone.signal)
        const read = await readFrame(atMs, all.current, supervised, gone.signal)
        if (settled) {
          remember(known.current, read)
          clearInterval(timer)
        }
        setFrame(read)
        setAway(false)
      } catch {
        if (!gone.signal.aborted) setAway(true)
      }
    }
    const timer = setInterval(() => void look(), againMs)
    void look()
    return () => {
      gone.abort()
      clearInterval(timer)
    }
  }, [atMs, supervised, settled])
  return { frame, away }
}

async function readFrame(atMs: number, all: Edges, supervised: boolean, signal: AbortSignal): Promise<Frame> {
  const time = atMs + frameMs - 1
  const [edges, own, breakers, up] = await Promise.all([
    askTelemetry('edges', { windowS, to: atMs }, signal),
    askTelemetry('edges', { windowS: frameMs / 1_000, to: atMs }, signal),
    askTelemetry('metric', { query: openBreakers, time }, signal),
    supervised ? undefined : askTelemetry('metric', { query: 'up', time }, signal),
  ])
  const whole = withAll(edges, all)
  return {
    atMs,
    edges: up === undefined ? whole : withInstances(whole, up),
    passed: own.edges,
    breakers: breakers.series,
  }
}

function remember(known: Map<number, Frame>, frame: Frame): void {
  known.set(frame.atMs, frame)
  const [oldest] = known.keys()
  if (known.size > framesMax && oldest !== undefined) known.delete(oldest)
}

/** What passed in a frame, part by part, over the time for which the frame is shown. */
function useParts(frame: Frame | undefined, play: Speed | undefined, heard: (frame: EdgesFrame) => void): void {
  const latest = useRef({ frame, heard })
  latest.current = { frame, heard }
  const atMs = frame?.atMs
  useEffect(() => {
    if (atMs === undefined || play === undefined) return
    const parts = Math.max(1, Math.round(frameMs / play / frameEveryMs))
    let at = 0
    const next = () => {
      const passed = latest.current.frame?.passed ?? []
      if (at < parts) latest.current.heard({ type: 'edges', atMs, edges: partOf(passed, at, parts) })
      at += 1
    }
    next()
    const timer = setInterval(next, frameEveryMs)
    return () => clearInterval(timer)
  }, [atMs, play])
}
