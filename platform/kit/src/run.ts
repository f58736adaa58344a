import type { z } from 'zod'
import type { ServiceDefinition } from './api.ts'

/** Starts the service from the environment and runs it until SIGTERM or the end of stdin; sets the exit code. */
export async function runService<Settings extends z.ZodObject, Schema>(
  _definition: ServiceDefinition<Settings, Schema>,
): Promise<void> {
  throw new Error('being written')
}
