/**
 * Part of every bundle. Node writes its compile cache when a process ends in order; one that is killed would never
 * leave a cache to the next. By this time a service has started and loaded what it loads.
 */
import { flushCompileCache } from 'node:module'

const afterMs = 4_000

setTimeout(() => flushCompileCache(), afterMs).unref()
