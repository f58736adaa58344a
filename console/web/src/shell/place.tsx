/** Where the person is: path and query. Links change them without loading the page again; the browser's buttons work. */
import type { AnchorHTMLAttributes, MouseEvent } from 'react'
import { useMemo, useSyncExternalStore } from 'react'

const changed = 'svyaz:place'

/** Goes to a path of this page, with its query, without loading anything. */
export function go(place: string): void {
  if (place === location.pathname + location.search) return
  history.pushState(null, '', place)
  window.dispatchEvent(new Event(changed))
}

function follow(listener: () => void): () => void {
  window.addEventListener('popstate', listener)
  window.addEventListener(changed, listener)
  return () => {
    window.removeEventListener('popstate', listener)
    window.removeEventListener(changed, listener)
  }
}

/** The path of the page; follows back and forward. */
export const usePath = (): string => useSyncExternalStore(follow, () => location.pathname)

/** What the address says behind its `?`. */
export function useQuery(): URLSearchParams {
  const text = useSyncExternalStore(follow, () => location.search)
  return useMemo(() => new URLSearchParams(text), [text])
}

/**
 * Changes what the address says of a page's state, in place of the entry that the browser holds: a filter that is being
 * typed isn't a step to go back over.
 * @param values by name; undefined and '' take a name away
 */
export function say(values: Readonly<Record<string, string | undefined>>): void {
  const query = new URLSearchParams(location.search)
  for (const [name, value] of Object.entries(values)) {
    if (value === undefined || value === '') query.delete(name)
    else query.set(name, value)
  }
  const text = query.size === 0 ? '' : `?${query}`
  if (text === location.search) return
  history.replaceState(null, '', location.pathname + text)
  window.dispatchEvent(new Event(changed))
}

/** A link within the page; with a modifier key the browser does with it as with any other. */
export function Link({ href, onClick, ...rest }: AnchorHTMLAttributes<HTMLAnchorElement> & { href: string }) {
  const follow = (event: MouseEvent<HTMLAnchorElement>) => {
    // Other buttons and keys mean another tab or window.
    if (event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return
    event.preventDefault()
    go(href)
    onClick?.(event)
  }
  return <a href={href} onClick={follow} {...rest} />
}
