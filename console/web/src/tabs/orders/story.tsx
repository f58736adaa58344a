/** One order's story: what it is, how it stands, and every step of its way. */

import { isFinal, type OrderStatus, orderStatusTable } from '@svyaz/contracts/http/order-terms.ts'
import { useEffect, useId, useMemo, useRef, useState } from 'react'
import type { DemoUser, TrackedOrder } from '../../../../protocol.ts'
import { live } from '../../live/connection.ts'
import { useLive } from '../../live/use-live.ts'
import { duration, money } from '../../shell/format.ts'
import { notify } from '../../shell/notice.tsx'
import { useNow } from '../../shell/now.ts'
import { usePreferences, useWords } from '../../shell/preferences.ts'
import { type Diagram, diagramOf } from './diagram.ts'
import { lookOf } from './look.ts'
import { Sequence } from './sequence.tsx'
import { Steps } from './steps.tsx'
import { type OrderWords, orderWords } from './words.ts'

/** While something is under way the seconds are counted this often. */
const tickMs = 100

/** The story of one order, drawn while it happens. */
export function Story({ orderId }: { orderId: string | undefined }) {
  const words = useWords(orderWords)
  const tracked = useLive((state) => state.orders.find(({ order }) => order.id === orderId))
  const known = useLive((state) => state.connection !== 'opening')
  if (tracked !== undefined) return <KnownStory tracked={tracked} />
  return (
    <section className="card story empty" aria-label={words.story}>
      {known && <p>{orderId === undefined ? words.emptyStory : words.gone}</p>}
      {known && orderId === undefined && <p className="hint">{words.emptyHint}</p>}
    </section>
  )
}

function KnownStory({ tracked }: { tracked: TrackedOrder }) {
  const words = useWords(orderWords)
  const { order } = tracked
  const aways = useLive((state) => state.aways)
  const processes = useLive((state) => state.processes)
  const under = !isFinal(order.status)
  const now = useNow(under ? tickMs : 0)
  // A final order is drawn once, not at each tick of a clock that says nothing about it.
  const at = under ? now : 0
  const diagram = useMemo(() => diagramOf(tracked, aways, processes, at), [tracked, aways, processes, at])
  const [view, setView] = useState<'diagram' | 'list'>('diagram')
  const title = useId()
  return (
    <section className="card story" aria-labelledby={title} data-status={order.status} data-order={order.id}>
      <Head tracked={tracked} diagram={diagram} title={title} now={now} />
      <fieldset className="switch view-switch">
        <legend className="unseen">{words.view}</legend>
        {(['diagram', 'list'] as const).map((other) => (
          <label key={other}>
            <input type="radio" name="view" checked={view === other} onChange={() => setView(other)} />
            <span>{words[other]}</span>
          </label>
        ))}
      </fieldset>
      <div className={`story-body show-${view}`}>
        <Measured>{(width) => <Sequence diagram={diagram} user={words.names[tracked.user]} width={width} />}</Measured>
        <Steps diagram={diagram} user={words.names[tracked.user]} />
      </div>
      {diagram.storyOnly && <p className="hint">{words.traceMissing}</p>}
      <Legend />
    </section>
  )
}

interface HeadProps {
  readonly tracked: TrackedOrder
  readonly diagram: Diagram
  readonly title: string
  readonly now: number
}

function Head({ tracked: { user, order }, diagram, title, now }: HeadProps) {
  const words = useWords(orderWords)
  const { language } = usePreferences()
  const items = order.items.map(({ quantity, name }) => `${quantity} × ${name}`).join(', ')
  // Another customer's order is theirs to cancel.
  const owner = user === 'other' || !orderStatusTable[order.status].open ? undefined : user
  const cancel = (by: DemoUser) =>
    live.cancelOrder(by, order.id).catch((error: unknown) => notify(words.refused(error)))
  return (
    <header className="story-head">
      <div>
        <h2 id={title}>
          {words.storyOf(words.names[user])}
          <span className={`status ${lookOf(order.status)}`}>{words.statuses[order.status]}</span>
        </h2>
        <p className="hint">
          {items} · {money(order.total, language)} · {words.payment.toLowerCase()} {words.modes[order.payment]}
        </p>
      </div>
      <p className="verdict" role="status">
        <Verdict status={order.status} reason={order.reason} diagram={diagram} now={now} words={words} />
      </p>
      {owner !== undefined && (
        <button type="button" onClick={() => void cancel(owner)}>
          {words.cancel}
        </button>
      )}
    </header>
  )
}

interface VerdictProps {
  readonly status: OrderStatus
  readonly reason: string | undefined
  readonly diagram: Diagram
  readonly now: number
  readonly words: OrderWords
}

/** How it stands, in a sentence. What ticks is hidden from screen readers: it would be read ten times a second. */
function Verdict({ status, reason, diagram, now, words }: VerdictProps) {
  const { language } = usePreferences()
  const last = diagram.rows.at(-1)
  if (!isFinal(status)) {
    const down = last?.kind === 'wait' && last.down
    return (
      <>
        <span className={down ? 'alarm' : undefined}>{(down ? words.waitsDown : words.waits)[status]}</span>
        <span aria-hidden="true"> · {duration(Math.max(0, now - diagram.startedAtMs), language)}</span>
      </>
    )
  }
  const away = diagram.survived.map(({ service, cause, ms }) =>
    words.wasAway(service, words.awayCauses[cause] ?? cause, duration(ms, language)),
  )
  return (
    <>
      <strong>
        {words.ended(words.statuses[status] ?? status, duration(diagram.endedAtMs - diagram.startedAtMs, language))}
      </strong>
      {reason !== undefined && <>: {words.reasons[reason] ?? reason}</>}
      {away.length > 0 && (
        <span className="survived">{words.survived([...new Set(away)].slice(0, 3).join(words.and))}</span>
      )}
    </>
  )
}

/** Gives its child the width that there is. */
function Measured({ children }: { children: (width: number) => React.ReactNode }) {
  const words = useWords(orderWords)
  const box = useRef<HTMLElement>(null)
  const [width, setWidth] = useState(0)
  useEffect(() => {
    const { current } = box
    if (current === null) return
    const observer = new ResizeObserver(([entry]) => setWidth(Math.floor(entry?.contentRect.width ?? 0)))
    observer.observe(current)
    return () => observer.disconnect()
  }, [])
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a box that scrolls must be reachable by keyboard
    <section ref={box} className="sequence-box" tabIndex={0} aria-label={words.diagram}>
      {width > 0 && children(width)}
    </section>
  )
}

function Legend() {
  const { legend, legendTitle } = useWords(orderWords)
  return (
    <dl className="legend" aria-label={legendTitle}>
      {Object.entries(legend).map(([kind, text]) => (
        <div key={kind}>
          <dt>
            <svg viewBox="0 0 34 12" aria-hidden="true" className={`sample p-${kind}`}>
              {kind === 'topic' || kind === 'task' ? (
                <rect className="pill" x="4" y="1" width="26" height="10" rx={kind === 'task' ? 2 : 5} />
              ) : kind === 'sql' ? (
                <path className="cylinder" d="M13 3.2a4 1.6 0 0 1 8 0v6a4 1.6 0 0 1-8 0zm0 0a4 1.6 0 0 0 8 0" />
              ) : (
                <path className="line" d="M2 6h30" />
              )}
            </svg>
          </dt>
          <dd>{text}</dd>
        </div>
      ))}
    </dl>
  )
}
