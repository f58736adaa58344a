import { lazy } from 'react'
import type { Tab } from '../../shell/tab.ts'

export const tab: Tab = {
  path: 'charts',
  group: 'watch',
  rank: 5,
  icon: 'chart',
  letter: 'e',
  places: /^$/,
  title: { en: 'Metrics', ru: 'Метрики' },
  Page: lazy(() => import('./page.tsx')),
}
