import { lazy } from 'react'
import type { Tab } from '../../shell/tab.ts'

export const tab: Tab = {
  path: 'traces',
  group: 'watch',
  rank: 3,
  icon: 'trace',
  letter: 't',
  places: /^(?:[0-9a-f]{32})?$/,
  title: { en: 'Traces', ru: 'Трассы' },
  Page: lazy(() => import('./page.tsx')),
}
