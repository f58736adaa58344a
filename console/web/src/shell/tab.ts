/** What a tab is. A new one is a folder in `tabs/` whose `tab.tsx` exports one of these; nothing else names it. */
import type { ComponentType } from 'react'
import type { IconName } from './icons.tsx'
import type { Language } from './preferences.ts'

/** Under which heading of the navigation a tab is, in this order. */
export const groups = ['watch', 'messages', 'system', 'lab'] as const
export type Group = (typeof groups)[number]

export interface Tab {
  /** First segment of its paths; '' is where everybody arrives. */
  readonly path: string
  readonly group: Group
  /** Where it stands among the others of its group. */
  readonly rank: number
  readonly icon: IconName
  /** The letter that opens it after a G. */
  readonly letter: string
  /** Matches the rest of each path that it has a page for. */
  readonly places: RegExp
  readonly title: Readonly<Record<Language, string>>
  /** Takes the whole window beside the navigation, without margins. */
  readonly whole?: true
  /** Gets the rest of the path, without the leading slash. */
  readonly Page: ComponentType<{ readonly rest: string }>
}

/** By group, then rank: the order in which they are shown. */
export const inOrder = (tabs: readonly Tab[]): Tab[] =>
  tabs.toSorted((a, b) => groups.indexOf(a.group) - groups.indexOf(b.group) || a.rank - b.rank)

/** The tab of a path: by its first segment, else the one that everybody arrives at; undefined when neither has it. */
export function tabOf(path: string, tabs: readonly Tab[]): { tab: Tab | undefined; rest: string } {
  const [first = '', ...others] = path.split('/').slice(1)
  const named = tabs.find((tab) => tab.path !== '' && tab.path === first)
  const tab = named ?? tabs.find((other) => other.path === '')
  const rest = (named === undefined ? [first, ...others] : others).join('/')
  return { tab: tab?.places.test(rest) ? tab : undefined, rest }
}
