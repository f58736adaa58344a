/** What more there is to know of a node, and what can be done to it. */
import type { TelemetryReply } from '@svyaz/contracts/telemetry.ts'
import { useEffect, useRef } from 'react'
import { useTelemetry } from '../../live/use-telemetry.ts'
import { clock, decimal, duration } from '../../shell/format.ts'
import { Icon } from '../../shell/icons.tsx'
import { Link } from '../../shell/place.tsx'
import { usePreferences, useWords } from '../../shell/preferences.ts'
import { Service } from '../orders/processes.tsx'
import type { Graph, MapEdge, MapNode } from './graph.ts'
import { frameMs } from './moment.ts'
import { PastInstances } from './past-instances.tsx'
import { windowS } from './traffic.ts'
import { mapWords } from './words.ts'

interface PanelProps {
  readonly node: MapNode
  readonly graph: Graph
  /** The beginning of the frame that is looked at; undefined for the present. */
  readonly atMs: number | undefined
  readonly close: () => void
}

/** Beside the map, or under it on a phone. Escape closes it. */
export function Panel({ node, graph, atMs, close }: PanelProps) {
  const words = useWords(mapWords)
  const title = useRef<HTMLHeadingElement>(null)
  const shown = words.names[node.name] ?? node.name
  const isService = node.kind === 'service' || node.kind === 'external'
  useEffect(() => {
    const pressed = ({ key, defaultPrevented }: KeyboardEvent) => {
      if (key === 'Escape' && !defaultPrevented && document.querySelector('dialog[open]') === null) close()
    }
    window.addEventListener('keydown', pressed)
    return () => window.removeEventListener('keydown', pressed)
  }, [close])
  return (
    <section className="map-panel" aria-label={shown}>
      <header>
        <h2 ref={title}>{shown}</h2>
        <span className="hint">
          {words.kinds[node.kind]}
          {words.healths[node.health] !== '' && ` · ${words.healths[node.health]}`}
        </span>
        <button type="button" className="quiet square" onClick={close} aria-label={words.close}>
          <Icon name="close" />
        </button>
      </header>
      {atMs !== undefined ? (
        <PastInstances instances={node.instances} />
      ) : (
        node.instances.length > 0 && (
          <ul className="panel-processes">
            <Service service={node.name} instances={node.instances} />
          </ul>
        )
      )}
      {node.kind === 'service' && <Breakers service={node.name} atMs={atMs} />}
      <Figures node={node} />
      <Neighbours node={node} graph={graph} />
      {node.kind === 'service' && <Operations service={node.name} atMs={atMs} />}
      {isService && <Lines service={node.name} atMs={atMs} />}
    </section>
  )
}

/** Rate, errors and durations of what comes in. */
function Figures({ node: { arrived } }: { node: MapNode }) {
  const words = useWords(mapWords)
  const { language } = usePreferences()
  if (arrived === undefined || arrived.count === 0) return <p className="hint">{words.nothingPassed}</p>
  const failed = `${(arrived.errorRatio * 100).toLocaleString(language, { maximumFractionDigits: 1 })} %`
  return (
    <dl className="panel-figures" aria-label={words.lastMinute}>
      <div>
        <dt>{words.perSecond}</dt>
        <dd>{decimal(arrived.count / windowS, language)}</dd>
      </div>
      <div>
        <dt>{words.failed}</dt>
        <dd className={arrived.errors > 0 ? 'bad' : undefined}>{failed}</dd>
      </div>
      <div>
        <dt>{words.median}</dt>
        <dd>{duration(arrived.p50Ms, language)}</dd>
      </div>
      <div>
        <dt>{words.p99}</dt>
        <dd>{duration(arrived.p99Ms, language)}</dd>
      </div>
    </dl>
  )
}

function Neighbours({ node, graph }: { node: MapNode; graph: Graph }) {
  const words = useWords(mapWords)
  const sides = [
    { title: words.comesIn, edges: graph.edges.filter(({ to }) => to === node.id), other: 'from' },
    { title: words.goesOut, edges: graph.edges.filter(({ from }) => from === node.id), other: 'to' },
  ] as const
  return sides.map(
    ({ title, edges, other }) =>
      edges.length > 0 && (
        <section key={other}>
          <h3>{title}</h3>
          <ul className="panel-edges">
            {edges.map((edge) => (
              <EdgeLine key={edge.id} edge={edge} other={edge[other]} />
            ))}
          </ul>
        </section>
      ),
  )
}

function EdgeLine({ edge: { protocol, passed }, other }: { edge: MapEdge; other: string }) {
  const words = useWords(mapWords)
  const { language } = usePreferences()
  return (
    <li>
      <i className={protocol} />
      <Link href={`/?node=${encodeURIComponent(other)}`}>{words.names[other] ?? other.replace(/^\w+:/, '')}</Link>
      <span className="hint">{words.protocols[protocol]}</span>
      <span className="number">
        {(passed?.waiting ?? 0) > 0 && <b>{words.waits(decimal(passed?.waiting ?? 0, language))} · </b>}
        {passed === undefined || passed.count === 0
          ? '—'
          : `${decimal(passed.ratePerSecond, language)}/s · ${duration(passed.p50Ms, language)}`}
      </span>
    </li>
  )
}

const operationsShown = 6

interface Looked {
  readonly service: string
  readonly atMs: number | undefined
}

/** The present is asked for again and again, a frame of the past once. */
const every = (ms: number, atMs: number | undefined): number => (atMs === undefined ? ms : 0)

function Operations({ service, atMs }: Looked) {
  const words = useWords(mapWords)
  const { language } = usePreferences()
  const { answer } = useTelemetry('red', { service, windowS, to: atMs }, every(5_000, atMs), undefined, true)
  const own = (answer?.operations ?? [])
    .filter(({ kind }) => kind === 'server' || kind === 'consumer')
    .toSorted((a, b) => b.count - a.count)
    .slice(0, operationsShown)
  if (own.length === 0) return null
  return (
    <section>
      <h3>{words.operations}</h3>
      <ul className="panel-operations">
        {own.map(({ operation, kind, ratePerSecond, p50Ms, p99Ms, errors }) => (
          <li key={`${operation} ${kind}`}>
            <Link href={`/traces?${new URLSearchParams({ service, operation })}`}>{operation}</Link>
            <span className={errors > 0 ? 'number bad' : 'number'}>
              {decimal(ratePerSecond, language)}/s · {duration(p50Ms, language)} · {duration(p99Ms, language)}
            </span>
          </li>
        ))}
      </ul>
    </section>
  )
}

const linesShown = 6

function Lines({ service, atMs }: Looked) {
  const words = useWords(mapWords)
  const { language } = usePreferences()
  const to = atMs === undefined ? undefined : atMs + frameMs
  const { answer } = useTelemetry('logs', { service, limit: linesShown, to }, every(2_000, atMs), undefined, true)
  const lines: TelemetryReply<'logs'>['lines'] = answer?.lines ?? []
  return (
    <section>
      <h3>{words.lines}</h3>
      {answer !== undefined && lines.length === 0 && <p className="hint">{words.noLines}</p>}
      <ol className="panel-lines">
        {lines.toReversed().map(({ id, atMs, level, text }) => (
          <li key={id} className={level}>
            <time>{clock(new Date(atMs).toISOString(), language)}</time> {text}
          </li>
        ))}
      </ol>
      <p className="panel-links">
        <Link className="button" href={`/logs?service=${service}`}>
          <Icon name="log" />
          {words.allLines}
        </Link>
        <Link className="button" href={`/traces?service=${service}`}>
          <Icon name="trace" />
          {words.traces}
        </Link>
      </p>
    </section>
  )
}

/** Only those that aren't closed: a breaker that lets everything through is not worth a line. */
function Breakers({ service, atMs }: Looked) {
  const words = useWords(mapWords)
  const time = atMs === undefined ? undefined : atMs + frameMs - 1
  const query = `breaker_state{service="${service}"}`
  const { answer } = useTelemetry('metric', { query, time }, every(10_000, atMs), undefined, true)
  const open = (answer?.series ?? []).filter(({ value }) => (value ?? 0) > 0)
  if (open.length === 0) return null
  return (
    <section>
      <h3>{words.breakers}</h3>
      <ul className="panel-edges">
        {open.map(({ labels, value }) => (
          <li key={`${labels.instance} ${labels.dependency}`}>
            <span className="dot bad" />
            {labels.dependency}
            <span className="hint">{labels.instance}</span>
            <span className="number bad">{value === 2 ? words.breaker.open : words.breaker.half}</span>
          </li>
        ))}
      </ul>
    </section>
  )
}
