import type { TelemetryReply } from '@svyaz/contracts/telemetry.ts'
import { useEffect, useState } from 'react'
import type { Refused } from './connection.ts'
import { askTelemetry, type Query } from './telemetry.ts'

interface Asked<N extends Parameters<typeof askTelemetry>[0]> {
  /** The latest; stays while the next one is on its way. */
  readonly answer: TelemetryReply<N> | undefined
  /** Why there is none, or no newer one. */
  readonly refused: Refused | undefined
}

/**
 * What the telemetry answers to a question, asked again from time to time while the page is seen.
 * @param everyMs 0 asks once
 * @param backMs how far before each asking the answer begins (`from`); the telemetry's own default when left out
 * @param stays whether the answer to the question before stays until the next has come: where only the time differs
 */
export function useTelemetry<N extends Parameters<typeof askTelemetry>[0]>(
  name: N,
  query: Query,
  everyMs: number,
  backMs?: number,
  stays = false,
): Asked<N> {
  const [answer, setAnswer] = useState<TelemetryReply<N>>()
  const [refused, setRefused] = useState<Refused>()
  const key = JSON.stringify(query)
  useEffect(() => {
    const gone = new AbortController()
    const look = async () => {
      try {
        const since = backMs === undefined ? {} : { from: Date.now() - backMs }
        setAnswer(await askTelemetry(name, { ...(JSON.parse(key) as Query), ...since }, gone.signal))
        setRefused(undefined)
      } catch (error) {
        if (!gone.signal.aborted) setRefused(error as Refused)
      }
    }
    if (!stays) setAnswer(undefined)
    void look()
    const timer =
      everyMs === 0
        ? undefined
        : setInterval(() => {
            if (!document.hidden) void look()
          }, everyMs)
    return () => {
      gone.abort()
      clearInterval(timer)
    }
  }, [name, key, everyMs, backMs, stays])
  return { answer, refused }
}
