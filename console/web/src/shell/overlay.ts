/** Which of the things that open over the page is open: one at a time. */
import { useSyncExternalStore } from 'react'

export type Overlay = 'palette' | 'keys' | 'menu' | 'activity'

let open: Overlay | undefined
const listeners = new Set<() => void>()

function set(next: Overlay | undefined): void {
  if (open === next) return
  open = next
  for (const listener of listeners) listener()
}

/** Shows one of them in place of what was open. */
export const openOverlay = (overlay: Overlay): void => set(overlay)
/** Closes what is open, if anything is. */
export const closeOverlay = (): void => set(undefined)
/** Opens it, or closes it when it is what is open. */
export const toggleOverlay = (overlay: Overlay): void => set(open === overlay ? undefined : overlay)

/** What is open; draws again when it is something else. */
export function useOverlay(): Overlay | undefined {
  return useSyncExternalStore(
    (listener) => {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    () => open,
  )
}
