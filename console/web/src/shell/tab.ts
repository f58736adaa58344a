/** What a tab is. A new one is a folder in `tabs/` whose `tab.tsx` exports one of these; nothing else names it. */
import type { ComponentType } from 'react'
import type { Language } from './preferences.ts'

export interface Tab {
  /** First segment of its paths; '' is where everybody arrives. */
  readonly path: string
  /** Where it stands among the others. */
  readonly rank: number
  /** Matches the rest of each path that it has a page for. */
  readonly places: RegExp
  readonly title: Readonly<Record<Language, string>>
  /** Gets the rest of the path, without the leading slash. */
  readonly Page: ComponentType<{ readonly rest: string }>
}

/** The tab of a path: by its first segment, else the one that everybody arrives at; undefined when neither has it. */
export function tabOf(path: string, tabs: readonly Tab[]): { tab: Tab | undefined; rest: string } {
  const [first = '', ...others] = path.split('/').slice(1)
  const named = tabs.find((tab) => tab.path !== '' && tab.path === first)
  const tab = named ?? tabs.find((other) => other.path === '')
  const rest = (named === undefined ? [first, ...others] : others).join('/')
  return { tab: tab?.places.test(rest) ? tab : undefined, rest }
}
