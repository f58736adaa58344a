import { lazy } from 'react'
import type { Tab } from '../../shell/tab.ts'

export const tab: Tab = {
  path: 'relay',
  rank: 20,
  title: { en: 'Relay', ru: 'Ретрансляция' },
  Page: lazy(() => import('./page.tsx')),
}
