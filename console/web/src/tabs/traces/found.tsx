/** The search, and what it finds. What is looked for is in the address. */
import type { TraceSummary } from '@svyaz/contracts/telemetry.ts'
import { useId } from 'react'
import type { Query } from '../../live/telemetry.ts'
import { useTelemetry } from '../../live/use-telemetry.ts'
import { FindField } from '../../shell/find-field.tsx'
import { clock, duration } from '../../shell/format.ts'
import { Link, say, useQuery } from '../../shell/place.tsx'
import { usePreferences, useWords } from '../../shell/preferences.ts'
import { Skeleton } from '../../shell/skeleton.tsx'
import { traceWords } from './words.ts'

const againMs = 5_000
const limit = 60

function queryOf(asked: URLSearchParams): Query {
  const text = (name: string) => asked.get(name) || undefined
  const number = (name: string) => (/^\d+(\.\d+)?$/.test(asked.get(name) ?? '') ? (asked.get(name) ?? '') : undefined)
  const tag = text('tag')
  return {
    service: text('service'),
    operation: text('operation'),
    minDurationMs: number('min'),
    order: text('order'),
    // Half a tag is one that is being written.
    tag: tag !== undefined && /^[^=]+=.+/.test(tag) ? tag : undefined,
    error: asked.get('error') === 'true' ? 'true' : undefined,
    limit,
  }
}

/** The list is read again while one looks at it. */
export function Found() {
  const words = useWords(traceWords)
  const asked = useQuery()
  const { answer, refused } = useTelemetry('traces', queryOf(asked), againMs)
  const longest = Math.max(1, ...(answer?.traces ?? []).map(({ durationMs }) => durationMs))
  return (
    <div className="traces-page">
      <Search asked={asked} />
      <section className="card" aria-label={words.found}>
        {refused !== undefined && answer === undefined && <p className="hint">{words.away(refused)}</p>}
        {answer === undefined && refused === undefined && <Skeleton rows={10} />}
        {answer?.traces.length === 0 && <p className="hint">{words.none}</p>}
        <ol className="trace-list">
          {answer?.traces.map((trace) => (
            <Summary key={trace.traceId} trace={trace} longest={longest} />
          ))}
        </ol>
        {answer?.complete === false && <p className="hint">{words.more}</p>}
      </section>
    </div>
  )
}

function Summary({ trace, longest }: { trace: TraceSummary; longest: number }) {
  const words = useWords(traceWords)
  const { language } = usePreferences()
  const at = new Date(Number(BigInt(trace.startTimeUnixNano) / 1_000_000n)).toISOString()
  return (
    <li data-failed={trace.errorCount > 0 || undefined}>
      <Link href={`/traces/${trace.traceId}`}>
        <time dateTime={at}>{clock(at, language)}</time>
        <span className="name">
          <b>{trace.service}</b> {trace.name}
        </span>
        <span className="hint">
          {words.spans(trace.spanCount)} · {words.services(trace.services.length)}
          {trace.errorCount > 0 && <b className="bad"> · {words.failed(trace.errorCount)}</b>}
        </span>
        <span className="took">{duration(trace.durationMs, language)}</span>
        <span className="length" aria-hidden="true">
          <i style={{ width: `${Math.max(0.5, (100 * trace.durationMs) / longest)}%` }} />
        </span>
      </Link>
    </li>
  )
}

function Search({ asked }: { asked: URLSearchParams }) {
  const words = useWords(traceWords)
  const id = useId()
  const { answer } = useTelemetry('services', {}, 30_000)
  const service = asked.get('service') ?? ''
  const operations = [
    ...new Set(
      (answer?.services ?? [])
        .filter((one) => service === '' || one.service === service)
        .flatMap((one) => one.operations.map(({ operation }) => operation)),
    ),
  ].sort()
  return (
    <search className="card filters">
      <div className="field">
        <label htmlFor={`${id}-service`}>{words.service}</label>
        <select
          id={`${id}-service`}
          value={service}
          onChange={({ target }) => say({ service: target.value, operation: undefined })}
        >
          <option value="">{words.anyService}</option>
          {withValue(
            (answer?.services ?? []).map((one) => one.service),
            service,
          ).map((name) => (
            <option key={name}>{name}</option>
          ))}
        </select>
      </div>
      <div className="field wide">
        <label htmlFor={`${id}-operation`}>{words.operation}</label>
        <select
          id={`${id}-operation`}
          value={asked.get('operation') ?? ''}
          onChange={({ target }) => say({ operation: target.value })}
        >
          <option value="">{words.anyOperation}</option>
          {withValue(operations, asked.get('operation') ?? '').map((name) => (
            <option key={name}>{name}</option>
          ))}
        </select>
      </div>
      <Field label={words.atLeast} name="min" asked={asked} hint="100" />
      <Field label={words.order} name="order" asked={asked} hint={words.orderHint} />
      <Field label={words.tag} name="tag" asked={asked} hint={words.tagHint} />
      <label className="check">
        <input
          type="checkbox"
          checked={asked.get('error') === 'true'}
          onChange={({ target }) => say({ error: target.checked ? 'true' : undefined })}
        />
        {words.errorsOnly}
      </label>
    </search>
  )
}

/** What the address names is offered even before the telemetry knows it. */
const withValue = (names: readonly string[], value: string): string[] =>
  value === '' || names.includes(value) ? [...names] : [value, ...names]

interface FieldProps {
  readonly label: string
  readonly name: string
  readonly hint: string
  readonly asked: URLSearchParams
}

const Field = ({ name, asked, ...told }: FieldProps) => (
  <FindField {...told} value={asked.get(name) ?? ''} find={(text) => say({ [name]: text })} />
)
