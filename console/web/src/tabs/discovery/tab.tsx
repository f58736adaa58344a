import { lazy } from 'react'
import type { Tab } from '../../shell/tab.ts'

export const tab: Tab = {
  path: 'discovery',
  group: 'system',
  rank: 2,
  icon: 'find',
  letter: 'd',
  places: /^$/,
  title: { en: 'Discovery', ru: 'Реестр' },
  Page: lazy(() => import('./page.tsx')),
}
