import { lazy } from 'react'
import type { Tab } from '../../shell/tab.ts'

export const tab: Tab = {
  path: '',
  places: /^(?:orders\/[\w-]+)?$/,
  rank: 1,
  title: { en: 'Orders', ru: 'Заказы' },
  Page: lazy(() => import('./page.tsx')),
}
