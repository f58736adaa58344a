import { lazy } from 'react'
import type { Tab } from '../../shell/tab.ts'

export const tab: Tab = {
  path: '',
  rank: 1,
  title: { en: 'Orders', ru: 'Заказы' },
  Page: lazy(() => import('./page.tsx')),
}
