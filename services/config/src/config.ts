/** The config service has no settings of its own at run time, its limits are the contract's. */
import { z } from 'zod'

export const settings = z.object({})
export type Settings = z.output<typeof settings>
