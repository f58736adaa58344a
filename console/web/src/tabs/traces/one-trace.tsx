/** One trace with all that its messages led to: overview, waterfall, and a span's details. */
import type { TelemetryReply } from '@svyaz/contracts/telemetry.ts'
import { useEffect, useMemo, useState } from 'react'
import { readTrace } from '../../live/telemetry.ts'
import { clock, duration } from '../../shell/format.ts'
import { Icon } from '../../shell/icons.tsx'
import { Link, say, useQuery } from '../../shell/place.tsx'
import { usePreferences, useWords } from '../../shell/preferences.ts'
import { Skeleton } from '../../shell/skeleton.tsx'
import { SpanDetails } from './span-details.tsx'
import { orderOf, type Row, waterfallOf } from './waterfall.ts'
import { traceWords } from './words.ts'

/** This many rows are drawn at first: a page stays quick whatever the trace. */
const rowsAtFirst = 400

/** `?span=` names the one whose details are open. */
export function OneTrace({ traceId }: { traceId: string }) {
  const words = useWords(traceWords)
  const { language } = usePreferences()
  const { trace, refused } = useTrace(traceId)
  const waterfall = useMemo(
    () => (trace === undefined || trace.spans.length === 0 ? undefined : waterfallOf(trace.spans)),
    [trace],
  )
  const chosen = useQuery().get('span')
  const row = waterfall?.rows.find(({ span }) => span.spanId === chosen)
  const order = trace === undefined ? undefined : orderOf(trace.spans)
  const failed = waterfall?.rows.filter((one) => one.failed).length ?? 0
  return (
    <div className="trace-page">
      <header className="card trace-head">
        <Link className="button" href="/traces">
          {words.back}
        </Link>
        <div className="what">
          <h2>{waterfall?.rows[0]?.span.name ?? traceId}</h2>
          {waterfall !== undefined && trace !== undefined && (
            <p className="hint">
              {clock(waterfall.startedAt, language)} · {duration(waterfall.totalMs, language)} ·{' '}
              {words.spans(waterfall.rows.length)}
              {failed > 0 && <b className="bad"> · {words.failed(failed)}</b>} · {words.joined(trace.traces.length)}
              {trace.truncated && ` · ${words.truncated}`}
            </p>
          )}
        </div>
        <p className="links">
          {order !== undefined && (
            <Link className="button" href={`/orders/${order}`}>
              <Icon name="cart" />
              {words.story}
            </Link>
          )}
          <Link className="button" href={`/logs?trace=${traceId}`}>
            <Icon name="log" />
            {words.lines}
          </Link>
        </p>
      </header>
      {refused !== undefined && <p className="card hint gone">{words.gone(refused)}</p>}
      {waterfall === undefined && refused === undefined && <Skeleton rows={12} />}
      {waterfall !== undefined && (
        <div className="trace-body" data-details={row !== undefined || undefined}>
          <section className="card waterfall" aria-label={words.tree}>
            <Overview rows={waterfall.rows} totalMs={waterfall.totalMs} />
            <Rows rows={waterfall.rows} totalMs={waterfall.totalMs} chosen={chosen ?? undefined} />
          </section>
          {row !== undefined && <SpanDetails key={row.span.spanId} row={row} close={() => say({ span: undefined })} />}
        </div>
      )}
    </div>
  )
}

/** Spans come in late: a trace that has just been is read again a few times. */
const readAgainMs = [1_500, 3_000, 6_000]

function useTrace(traceId: string) {
  const [trace, setTrace] = useState<TelemetryReply<'joined'>>()
  const [refused, setRefused] = useState<unknown>()
  useEffect(() => {
    const gone = new AbortController()
    const look = async () => {
      try {
        const answer = await readTrace(traceId, gone.signal)
        setTrace((before) => (before?.spans.length === answer.spans.length ? before : answer))
        setRefused(undefined)
      } catch (error) {
        if (!gone.signal.aborted) setRefused(error)
      }
    }
    void look()
    const timers = readAgainMs.map((ms) => setTimeout(() => void look(), ms))
    return () => {
      gone.abort()
      for (const timer of timers) clearTimeout(timer)
    }
  }, [traceId])
  return { trace, refused: trace === undefined ? refused : undefined }
}

function Overview({ rows, totalMs }: { rows: readonly Row[]; totalMs: number }) {
  const words = useWords(traceWords)
  const high = Math.max(1, Math.min(120, rows.length))
  const colour = coloursOf(rows)
  const scale = 1000 / Math.max(0.001, totalMs)
  return (
    <svg className="overview" viewBox={`0 0 1000 ${high}`} preserveAspectRatio="none" role="img">
      <title>{words.overview}</title>
      {rows.map(({ span, startMs, durationMs, failed, critical }, at) => (
        <rect
          key={`${span.traceId} ${span.spanId}`}
          className={colour(span.service)}
          data-failed={failed || undefined}
          data-critical={critical || undefined}
          x={startMs * scale}
          y={(at / rows.length) * high}
          width={Math.max(2, durationMs * scale)}
          height={Math.max(1, high / rows.length)}
        />
      ))}
    </svg>
  )
}

interface RowsProps {
  readonly rows: readonly Row[]
  readonly totalMs: number
  readonly chosen: string | undefined
}

function Rows({ rows, totalMs, chosen }: RowsProps) {
  const words = useWords(traceWords)
  const { language } = usePreferences()
  const [count, setCount] = useState(rowsAtFirst)
  const colour = useMemo(() => coloursOf(rows), [rows])
  const percent = (ms: number) => (100 * ms) / Math.max(0.001, totalMs)
  return (
    <>
      <ol className="rows">
        {rows.slice(0, count).map(({ span, depth, startMs, durationMs, failed, linked, critical }) => (
          <li key={`${span.traceId} ${span.spanId}`}>
            <button
              type="button"
              aria-pressed={span.spanId === chosen}
              data-failed={failed || undefined}
              data-critical={critical || undefined}
              onClick={() => say({ span: span.spanId === chosen ? undefined : span.spanId })}
            >
              <span className="label" style={{ paddingInlineStart: `${Math.min(depth, 18) * 11}px` }}>
                <i className={colour(span.service)} />
                <b>{span.service}</b>
                {linked && <Icon name="mail" />}
                <span className="name">{span.name}</span>
              </span>
              <span className="track">
                <i
                  className={colour(span.service)}
                  style={{ left: `${percent(startMs)}%`, width: `max(2px, ${percent(durationMs)}%)` }}
                />
                <span
                  className="took"
                  style={
                    percent(startMs + durationMs) > 80
                      ? { right: `${100 - percent(startMs)}%` }
                      : { left: `${percent(startMs + durationMs)}%` }
                  }
                >
                  {duration(durationMs, language)}
                </span>
              </span>
            </button>
          </li>
        ))}
      </ol>
      {count < rows.length && (
        <button type="button" className="quiet" onClick={() => setCount(count + 4 * rowsAtFirst)}>
          {words.spans(rows.length - count)} …
        </button>
      )}
    </>
  )
}

const colours = 8

/** A colour for each service of a trace, in the order of their names: the same in every trace of the same services. */
const coloursOf = (rows: readonly Row[]): ((service: string) => string) => {
  const services = [...new Set(rows.map(({ span }) => span.service))].sort()
  return (service) => `s${services.indexOf(service) % colours}`
}
