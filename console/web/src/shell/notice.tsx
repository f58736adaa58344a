/** One line about what was refused or done, read aloud, gone after a while. */
import { useEffect, useSyncExternalStore } from 'react'

const shownForMs = 8_000
/** What was refused, or that something went well. */
type Look = 'bad' | 'good'

let notice: { readonly text: string; readonly look: Look; readonly id: number } | undefined
const listeners = new Set<() => void>()

function set(next: typeof notice): void {
  notice = next
  for (const listener of listeners) listener()
}

/** Shows a sentence for some seconds, in place of the one before. */
export const notify = (text: string, look: Look = 'bad'): void => set({ text, look, id: (notice?.id ?? 0) + 1 })

/**
 * The sentence that is shown now, read out when it appears.
 * @param close name of the button that ends it
 */
export function Notice({ close }: { close: string }) {
  const shown = useSyncExternalStore(
    (listener) => {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    () => notice,
  )
  useEffect(() => {
    if (shown === undefined) return
    const timer = setTimeout(() => set(undefined), shownForMs)
    return () => clearTimeout(timer)
  }, [shown])
  return (
    <div className="notice-place" role="status" aria-live="polite">
      {shown && (
        <div className={`notice ${shown.look}`} key={shown.id}>
          <span>{shown.text}</span>
          <button type="button" className="quiet" onClick={() => set(undefined)}>
            {close}
          </button>
        </div>
      )}
    </div>
  )
}
