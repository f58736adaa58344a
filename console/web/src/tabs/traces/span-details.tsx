/** All that is known of one span. */
import { useEffect } from 'react'
import { duration } from '../../shell/format.ts'
import { Icon } from '../../shell/icons.tsx'
import { notify } from '../../shell/notice.tsx'
import { Link } from '../../shell/place.tsx'
import { usePreferences, useWords } from '../../shell/preferences.ts'
import type { Row } from './waterfall.ts'
import { traceWords } from './words.ts'

/** Beside the waterfall. Escape closes it. */
export function SpanDetails({ row, close }: { row: Row; close: () => void }) {
  const words = useWords(traceWords)
  const { span } = row
  useEffect(() => {
    const pressed = ({ key }: KeyboardEvent) => {
      if (key === 'Escape' && document.querySelector('dialog[open]') === null) close()
    }
    window.addEventListener('keydown', pressed)
    return () => window.removeEventListener('keydown', pressed)
  }, [close])
  const copy = () =>
    navigator.clipboard.writeText(span.traceId).then(
      () => notify(words.copied, 'good'),
      () => undefined,
    )
  return (
    <section className="card span-details" aria-label={words.details}>
      <header>
        <h3>{span.name}</h3>
        <button type="button" className="quiet square" onClick={close} aria-label={words.close}>
          <Icon name="close" />
        </button>
      </header>
      <p className="hint">
        {span.instance} · {words.kinds[span.kind]}
      </p>
      {span.status.message !== undefined && <p className="bad">{span.status.message}</p>}
      <Times row={row} />
      <dl className="attributes">
        {Object.entries(span.attributes).map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{typeof value === 'string' ? value : JSON.stringify(value)}</dd>
          </div>
        ))}
      </dl>
      <p className="links">
        <Link className="button" href={`/?node=${encodeURIComponent(span.service)}`}>
          <Icon name="map" />
          {span.service}
        </Link>
        <Link className="button" href={`/logs?${new URLSearchParams({ trace: span.traceId, service: span.service })}`}>
          <Icon name="log" />
          {words.lines}
        </Link>
        <button type="button" onClick={() => void copy()}>
          {words.copy}
        </button>
      </p>
    </section>
  )
}

function Times({ row }: { row: Row }) {
  const words = useWords(traceWords)
  const { language } = usePreferences()
  return (
    <dl className="times">
      <div>
        <dt>{words.start}</dt>
        <dd>{duration(row.startMs, language)}</dd>
      </div>
      <div>
        <dt>{words.duration}</dt>
        <dd>{duration(row.durationMs, language)}</dd>
      </div>
      <div>
        <dt>{words.own}</dt>
        <dd>{duration(row.ownMs, language)}</dd>
      </div>
    </dl>
  )
}
