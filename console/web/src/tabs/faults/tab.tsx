import { lazy } from 'react'
import type { Tab } from '../../shell/tab.ts'

export const tab: Tab = {
  path: 'faults',
  group: 'lab',
  rank: 2,
  icon: 'fault',
  letter: 'f',
  places: /^$/,
  title: { en: 'Fault lab', ru: 'Сбои' },
  Page: lazy(() => import('./page.tsx')),
}
