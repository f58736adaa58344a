/** Tools about settings that change without a restart. */
import { z } from 'zod'
import { CliError } from '../errors.ts'
import { runCommand } from './run-command.ts'
import { tool } from './tool.ts'

const application = z.string().min(1).max(100)
const key = z.string().min(1).max(200)

/** Those that only look. */
export const settingTools = [
  tool({
    name: 'settings',
    title: 'Settings and their history',
    description:
      'The value of every setting that can change while the system runs, and where it comes from (the service’s default, or set by somebody); with `history` who set what and when. For one service, or for all.',
    input: z.strictObject({
      application: application.optional().describe('a service, e.g. orders'),
      history: z.boolean().default(false).describe('needs an application'),
    }),
    run: async ({ application: name, history }, place) => {
      const { settings } = await import('../settings.ts')
      if (history && name === undefined) throw new CliError('history needs an application, e.g. orders')
      const asked = history ? ['history'] : ['get']
      const { values } = await runCommand(settings, place, name === undefined ? asked : [...asked, name])
      return values[0] as Record<string, unknown>
    },
  }),
]

/** Those that do something. */
export const settingChanges = [
  tool({
    name: 'change_setting',
    title: 'Change a setting',
    description:
      'Sets a setting of a service for all of its instances, without a restart, and says which of them work with it; `value: null` goes back to the default. A value that breaks the schema is refused with the reason. Read `settings` first.',
    input: z.strictObject({
      application,
      key,
      value: z.json().describe('of the type that the setting has; null: the default'),
      comment: z.string().max(500).describe('why: kept in the history'),
    }),
    changes: true,
    run: async ({ application: name, key: setting, value, comment }, place) => {
      const { settings } = await import('../settings.ts')
      const asked =
        value === null
          ? ['unset', name, setting]
          : ['set', name, setting, typeof value === 'string' ? value : JSON.stringify(value)]
      const { values } = await runCommand(settings, place, asked, { comment })
      return values[0] as Record<string, unknown>
    },
  }),
]
