import { lazy } from 'react'
import type { Tab } from '../../shell/tab.ts'

export const tab: Tab = {
  path: 'relay',
  group: 'messages',
  rank: 3,
  icon: 'loop',
  letter: 'r',
  places: /^$/,
  title: { en: 'Relay', ru: 'Ретрансляция' },
  Page: lazy(() => import('./page.tsx')),
}
