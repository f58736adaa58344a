/** Config: the configuration of every application and profile, changed at run time. */
import { configEvents } from '@svyaz/contracts/events/config.ts'
import { defineService } from '@svyaz/kit'
import { settings } from './config.ts'
import { httpEdge } from './http.ts'
import { migrations } from './migrations.ts'
import type { ConfigContext, ConfigSchema } from './storage.ts'

export const service = defineService<typeof settings, ConfigSchema>({
  name: 'config',
  settings,
  database: { migrations },
  writes: [configEvents],
  start: (context: ConfigContext) => ({ http: httpEdge(context) }),
})
