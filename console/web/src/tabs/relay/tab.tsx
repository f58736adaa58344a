import { lazy } from 'react'
import type { Tab } from '../../shell/tab.ts'

export const tab: Tab = {
  path: 'relay',
  places: /^$/,
  rank: 20,
  title: { en: 'Relay', ru: 'Ретрансляция' },
  Page: lazy(() => import('./page.tsx')),
}
