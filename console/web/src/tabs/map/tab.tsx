import { lazy } from 'react'
import type { Tab } from '../../shell/tab.ts'

export const tab: Tab = {
  path: '',
  group: 'watch',
  rank: 1,
  icon: 'map',
  letter: 'm',
  places: /^$/,
  title: { en: 'Map', ru: 'Карта' },
  whole: true,
  Page: lazy(() => import('./page.tsx')),
}
