/** What goes on coming, newest first, until somebody stops it. */
import { useEffect, useState } from 'react'
import type { WatchLine } from '../../../../explore.ts'
import { clock } from '../../shell/format.ts'
import { Icon } from '../../shell/icons.tsx'
import { usePreferences, useWords } from '../../shell/preferences.ts'
import { explorerWords } from './words.ts'

/** Lines held; a page may be open for a day. */
const heldMax = 200
/** A busy topic has hundreds a second: they are shown in batches. */
const showEveryMs = 250

interface WatchedProps {
  readonly begin: (signal: AbortSignal) => AsyncIterable<WatchLine>
  readonly disabled?: boolean
}

/** @param begin is asked for the lines when somebody starts to watch */
export function Watched({ begin, disabled = false }: WatchedProps) {
  const words = useWords(explorerWords)
  const { language } = usePreferences()
  const { running, lines, failed, touch } = useLines(begin)
  return (
    <section className="watched" aria-label={words.came}>
      <button type="button" className="main" aria-pressed={running} disabled={disabled} onClick={touch}>
        <Icon name={running ? 'stop' : 'start'} />
        {running ? words.stop : words.watch}
      </button>
      {failed !== undefined && (
        <p className="bad" role="alert">
          {words.couldNot(failed)}
        </p>
      )}
      {lines !== undefined && failed === undefined && (
        // biome-ignore lint/a11y/noNoninteractiveTabindex: a box that scrolls must be reachable by keyboard
        <ol className="card" tabIndex={0} aria-label={words.came}>
          {lines.length === 0 && <li className="hint">{words.nothingCame}</li>}
          {lines.map(({ at, atMs, kind, data }) => (
            <li key={at} data-kind={kind}>
              <time dateTime={new Date(atMs).toISOString()}>{clock(new Date(atMs).toISOString(), language)}</time>
              {kind !== 'message' && <b>{kind === 'open' ? words.opened : words.ended}</b>}
              {data !== undefined && <code>{typeof data === 'string' ? data : JSON.stringify(data)}</code>}
            </li>
          ))}
        </ol>
      )}
    </section>
  )
}

function useLines(begin: WatchedProps['begin']) {
  const [run, setRun] = useState<{ readonly begin: WatchedProps['begin'] }>()
  const [lines, setLines] = useState<readonly (WatchLine & { readonly at: number })[]>()
  const [failed, setFailed] = useState<unknown>()
  useEffect(() => {
    if (run === undefined) return
    const gone = new AbortController()
    let waiting: WatchLine[] = []
    let count = 0
    const show = () => {
      const fresh = waiting.map((line) => ({ ...line, at: ++count })).reverse()
      waiting = []
      if (fresh.length > 0) setLines((before = []) => [...fresh, ...before].slice(0, heldMax))
    }
    const timer = setInterval(show, showEveryMs)
    const listen = async () => {
      for await (const line of run.begin(gone.signal)) waiting.push(line)
      show()
    }
    listen()
      .catch((error: unknown) => !gone.signal.aborted && setFailed(error))
      .finally(() => !gone.signal.aborted && setRun(undefined))
    return () => {
      gone.abort()
      clearInterval(timer)
    }
  }, [run])
  const touch = () => {
    if (run !== undefined) return setRun(undefined)
    setLines([])
    setFailed(undefined)
    setRun({ begin })
  }
  return { running: run !== undefined, lines, failed, touch }
}
