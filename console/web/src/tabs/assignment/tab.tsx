import { lazy } from 'react'
import type { Tab } from '../../shell/tab.ts'

export const tab: Tab = {
  path: 'assignment',
  group: 'lab',
  rank: 3,
  icon: 'list',
  letter: 'a',
  places: /^$/,
  title: { en: 'Assignment', ru: 'Задание' },
  Page: lazy(() => import('./page.tsx')),
}
