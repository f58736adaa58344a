import { lazy } from 'react'
import type { Tab } from '../../shell/tab.ts'

export const tab: Tab = {
  path: 'explorer',
  group: 'system',
  rank: 5,
  icon: 'api',
  letter: 'i',
  places: /^(?:(?:rest|graphql|grpc|channels)(?:\/[\w.-]{1,120}){0,2})?$/,
  title: { en: 'API', ru: 'API' },
  Page: lazy(() => import('./page.tsx')),
}
