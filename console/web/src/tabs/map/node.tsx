/** A node of the map: a button that says how it is, and opens what more there is to know. */
import { decimal, duration } from '../../shell/format.ts'
import { Icon } from '../../shell/icons.tsx'
import { usePreferences, useWords } from '../../shell/preferences.ts'
import type { MapNode } from './graph.ts'
import type { Box } from './layout.ts'
import { windowS } from './traffic.ts'
import { mapWords } from './words.ts'

interface NodeButtonProps {
  readonly node: MapNode
  readonly box: Box
  readonly chosen: boolean
  readonly dim: boolean
  readonly choose: () => void
  readonly point: (over: boolean) => void
}

/** This many that wait fill a topic's bar. */
const fullAt = 1_000

/** Drawn at its box. */
export function NodeButton({ node, box, chosen, dim, choose, point }: NodeButtonProps) {
  const words = useWords(mapWords)
  const { id, kind, name, health, instances, waiting } = node
  const shown = words.names[name] ?? name
  const rate = (node.arrived?.count ?? 0) / windowS
  const facts = [words.kinds[kind], words.healths[health]].filter(Boolean)
  return (
    <button
      type="button"
      className={`node ${kind}`}
      data-node={id}
      data-health={health}
      data-dim={dim || undefined}
      aria-pressed={chosen}
      aria-label={kind === 'database' ? `${shown}: ${facts.join(', ')}` : undefined}
      title={kind === 'database' ? `${shown}: ${facts.join(', ')}` : undefined}
      style={{
        left: `${box.x - box.width / 2}px`,
        top: `${box.y - box.height / 2}px`,
        width: `${box.width}px`,
        height: `${box.height}px`,
      }}
      onClick={choose}
      onPointerEnter={({ pointerType }) => pointerType === 'mouse' && point(true)}
      onPointerLeave={() => point(false)}
      onFocus={({ target }) => target.matches(':focus-visible') && point(true)}
      onBlur={() => point(false)}
    >
      {kind === 'database' ? (
        <DatabaseSign />
      ) : (
        <>
          {waiting > 0 && <span className="fill" style={{ width: `${Math.min(100, 6 + (94 * waiting) / fullAt)}%` }} />}
          {kind === 'client' && <Icon name="person" />}
          <span className="title">{shown}</span>
          {instances.length > 0 && (
            <span className="dots-of">
              {instances.map((process) => (
                <i key={process.name} data-status={process.status} />
              ))}
            </span>
          )}
          <Fact node={node} rate={rate} />
          <span className="unseen">{facts.join(', ')}</span>
        </>
      )}
    </button>
  )
}

/** The one thing that matters most of a node: that it is away, what waits, or how much comes in how fast; below that, how much fails. */
function Fact({ node, rate }: { node: MapNode; rate: number }) {
  const words = useWords(mapWords)
  const { language } = usePreferences()
  const { kind, health, waiting, arrived } = node
  if (health === 'gone' || health === 'busy') return <span className="fact bad">{words.healths[health]}</span>
  if (waiting > 0) return <span className="fact waits">{words.waits(decimal(waiting, language))}</span>
  if (kind === 'topic' || kind === 'queue')
    return rate > 0 ? <span className="fact">{decimal(rate, language)}/s</span> : null
  if (arrived === undefined || rate === 0) return <span className="fact idle">{kind === 'client' ? '' : '—'}</span>
  return (
    <>
      <span className="fact">
        {decimal(rate, language)}/s · {duration(arrived.p50Ms, language)}
      </span>
      {arrived.errors > 0 && <span className="fact bad">{decimal(arrived.errors / windowS, language)}/s ✕</span>}
    </>
  )
}

const DatabaseSign = () => (
  <svg viewBox="0 0 34 34" aria-hidden="true" className="cylinder">
    <path d="M7 9v16c0 2.2 4.5 4 10 4s10-1.8 10-4V9" />
    <ellipse cx="17" cy="9" rx="10" ry="4" />
    <path d="M7 17c0 2.2 4.5 4 10 4s10-1.8 10-4" />
  </svg>
)
