/** What every part of the kit is given: the process's environment, time, identity, logs, metrics and traces. */
import type { Clock, CrashPointName, Ids, Logger, Metrics, Tracer } from './api.ts'
import type { KitEnvironment } from './process/environment.ts'

export interface Core {
  environment: KitEnvironment
  clock: Clock
  ids: Ids
  random: () => number
  log: Logger
  metrics: Metrics
  tracer: Tracer
  crashPoint(name: CrashPointName): void
}
