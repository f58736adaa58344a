import { lazy } from 'react'
import type { Tab } from '../../shell/tab.ts'

export const tab: Tab = {
  path: 'levels',
  group: 'watch',
  rank: 6,
  icon: 'level',
  letter: 's',
  places: /^$/,
  title: { en: 'Service levels', ru: 'Уровни сервиса' },
  Page: lazy(() => import('./page.tsx')),
}
