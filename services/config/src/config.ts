/** The config service has no settings of its own at run time, only limits. */
import { z } from 'zod'

export const settings = z.object({})
export type Settings = z.output<typeof settings>

export const limits = {
  propertiesPerChangeMax: 100,
  historyRowsMax: 500,
} as const
