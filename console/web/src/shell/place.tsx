/** Where the person is: the path. Links change it without loading the page again; the browser's buttons work. */
import type { AnchorHTMLAttributes, MouseEvent } from 'react'
import { useSyncExternalStore } from 'react'

const changed = 'svyaz:place'

/** Goes to a path of this page without loading anything. */
export function go(path: string): void {
  if (path === location.pathname) return
  history.pushState(null, '', path)
  window.dispatchEvent(new Event(changed))
}

/** The path of the page; follows back and forward. */
export function usePath(): string {
  return useSyncExternalStore(
    (listener) => {
      window.addEventListener('popstate', listener)
      window.addEventListener(changed, listener)
      return () => {
        window.removeEventListener('popstate', listener)
        window.removeEventListener(changed, listener)
      }
    },
    () => location.pathname,
  )
}

/** A link within the page; with a modifier key the browser does with it as with any other. */
export function Link({ href, ...rest }: AnchorHTMLAttributes<HTMLAnchorElement> & { href: string }) {
  const follow = (event: MouseEvent<HTMLAnchorElement>) => {
    // Other buttons and keys mean another tab or window.
    if (event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return
    event.preventDefault()
    go(href)
  }
  return <a href={href} onClick={follow} {...rest} />
}
