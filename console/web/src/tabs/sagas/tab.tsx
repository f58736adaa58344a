import { lazy } from 'react'
import type { Tab } from '../../shell/tab.ts'

export const tab: Tab = {
  path: 'sagas',
  group: 'messages',
  rank: 2,
  icon: 'saga',
  letter: 'w',
  places: /^$/,
  title: { en: 'Sagas', ru: 'Саги' },
  Page: lazy(() => import('./page.tsx')),
}
