import { useSyncExternalStore } from 'react'
import { live } from './connection.ts'
import type { State } from './state.ts'

/** A part of what the page knows; the component is drawn again when that part is another value. */
export function useLive<T>(part: (state: State) => T): T {
  return useSyncExternalStore(live.subscribe, () => part(live.state()))
}
