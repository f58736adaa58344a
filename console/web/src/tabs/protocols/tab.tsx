import { lazy } from 'react'
import type { Tab } from '../../shell/tab.ts'

export const tab: Tab = {
  path: 'protocols',
  group: 'lab',
  rank: 1,
  icon: 'flask',
  letter: 'b',
  places: /^$/,
  title: { en: 'Protocol lab', ru: 'Протоколы' },
  Page: lazy(() => import('./page.tsx')),
}
