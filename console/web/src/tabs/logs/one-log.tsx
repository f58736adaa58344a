/** The log of one instance, from its newest lines on, as it is written: the supervisor reads its file. */
import { type RefObject, type UIEvent, useEffect, useLayoutEffect, useRef, useState } from 'react'
import { live, Refused } from '../../live/connection.ts'
import { useLive } from '../../live/use-live.ts'
import { clock } from '../../shell/format.ts'
import { Icon } from '../../shell/icons.tsx'
import { notify } from '../../shell/notice.tsx'
import { usePreferences, useWords } from '../../shell/preferences.ts'
import { type LogLine, parseLine } from './line.ts'
import { logWords } from './words.ts'

/** Lines held; older ones go. */
const linesMax = 1_000
const firstLines = 200
/** So near to the end of the box counts as there. */
const endPx = 40
/** Lines are shown in batches: a busy service writes hundreds a second. */
const showEveryMs = 200

interface Shown extends LogLine {
  readonly id: number
}

/** Follows until somebody scrolls up, and again when they are at the end. */
export function OneLog({ target }: { target: string }) {
  const words = useWords(logWords)
  const { language } = usePreferences()
  const lines = useLines(target)
  const { box, following, scrolled, toNewest } = useFollowing(lines.at(-1)?.id)
  return (
    <>
      <div
        className="log"
        role="log"
        aria-label={words.log(target)}
        // biome-ignore lint/a11y/noNoninteractiveTabindex: a box that scrolls must be reachable by keyboard
        tabIndex={0}
        ref={box}
        onScroll={scrolled}
        data-following={following}
      >
        {lines.map(({ id, time, level, message, fields }) => (
          <p key={id} className={`line ${level}`}>
            {time !== undefined && <time>{clock(time, language)}</time>}
            {words.marked[level] !== undefined && <span className="level">{words.marked[level]}</span>}
            <span className="message">{message}</span>
            <span className="fields">{fields}</span>
          </p>
        ))}
      </div>
      {!following && (
        <button type="button" className="newest" onClick={toNewest}>
          <Icon name="down" />
          {words.newest}
        </button>
      )}
    </>
  )
}

function useLines(target: string): readonly Shown[] {
  const words = useWords(logWords)
  const connected = useLive((state) => state.connection === 'open')
  const [lines, setLines] = useState<readonly Shown[]>([])
  useEffect(() => {
    if (!connected) return
    const gone = new AbortController()
    let id = 0
    let waiting: Shown[] = []
    setLines([])
    const timer = setInterval(() => {
      if (waiting.length === 0) return
      const fresh = waiting
      waiting = []
      setLines((before) => [...before, ...fresh].slice(-linesMax))
    }, showEveryMs)
    const read = async () => {
      for await (const { line } of live.logs(target, firstLines, gone.signal))
        waiting.push({ ...parseLine(line), id: id++ })
    }
    read().catch((error: unknown) => {
      if (!gone.signal.aborted && error instanceof Refused) notify(words.refused(error))
    })
    return () => {
      gone.abort()
      clearInterval(timer)
    }
  }, [target, connected, words.refused])
  return lines
}

interface Following {
  readonly box: RefObject<HTMLDivElement | null>
  readonly following: boolean
  readonly scrolled: (event: UIEvent<HTMLDivElement>) => void
  readonly toNewest: () => void
}

/**
 * Keeps a box at its end, until the person scrolls up; then until they are at the end again.
 * @param last of what is in the box: changes with each new line
 */
export function useFollowing(last: string | number | undefined): Following {
  const box = useRef<HTMLDivElement>(null)
  const [following, setFollowing] = useState(true)
  useLayoutEffect(() => {
    if (last !== undefined && following && box.current) box.current.scrollTop = box.current.scrollHeight
  }, [last, following])
  return {
    box,
    following,
    scrolled: ({ currentTarget: { scrollHeight, scrollTop, clientHeight } }) =>
      setFollowing(scrollHeight - scrollTop - clientHeight < endPx),
    toNewest: () => {
      setFollowing(true)
      // The button goes; who pressed it by the keyboard goes on reading.
      box.current?.focus({ preventScroll: true })
    },
  }
}
