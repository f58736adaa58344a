/** What came back: a status, how long and how large, a way to its trace, and the body. */
import { bytes, duration } from '../../shell/format.ts'
import { Icon } from '../../shell/icons.tsx'
import { notify } from '../../shell/notice.tsx'
import { Link } from '../../shell/place.tsx'
import { usePreferences, useWords } from '../../shell/preferences.ts'
import { explorerWords } from './words.ts'

interface AnswerProps {
  /** As it is shown first: `201`, `0 OK`. */
  readonly status: string
  readonly good: boolean
  readonly ms: number
  readonly size: number
  readonly traceId?: string | undefined
  readonly headers: Readonly<Record<string, string>>
  readonly text: string
}

/** @param text the body as it is shown */
export function Answer({ status, good, ms, size, traceId, headers, text }: AnswerProps) {
  const words = useWords(explorerWords)
  const { language } = usePreferences()
  return (
    <section className="card explorer-answer" aria-label={words.answer} data-good={good}>
      <header>
        <p role="status">
          <b className={good ? 'good' : 'bad'}>{status}</b> · {duration(ms, language)} · {bytes(size, language)}
        </p>
        {traceId !== undefined && (
          <Link className="button" href={`/traces/${traceId}`}>
            <Icon name="trace" />
            {words.trace}
          </Link>
        )}
      </header>
      <details>
        <summary>{words.headers}</summary>
        <dl>
          {Object.entries(headers).map(([name, value]) => (
            <div key={name}>
              <dt>{name}</dt>
              <dd>{value}</dd>
            </div>
          ))}
        </dl>
      </details>
      {text === '' ? (
        <p className="hint">{words.noBody}</p>
      ) : (
        // biome-ignore lint/a11y/noNoninteractiveTabindex: a box that scrolls must be reachable by keyboard
        <pre tabIndex={0}>{text}</pre>
      )}
    </section>
  )
}

interface CommandProps {
  readonly title: string
  readonly command: string
}

/** The same for a shell. */
export function Command({ title, command }: CommandProps) {
  const words = useWords(explorerWords)
  const copy = () =>
    navigator.clipboard
      .writeText(command)
      .then(() => notify(words.copied, 'good'))
      .catch(() => notify(words.notCopied))
  return (
    <details className="card command">
      <summary>{title}</summary>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a box that scrolls must be reachable by keyboard */}
      <pre tabIndex={0}>{command}</pre>
      <div className="buttons">
        <button type="button" onClick={() => void copy()}>
          {words.copy}
        </button>
        {command.includes('$TOKEN') && <p className="hint">{words.tokenHint}</p>}
      </div>
    </details>
  )
}
