/** The query APIs of other tools, under the paths that they have there: so that their pages and Grafana's sources work. */
import type { Sources } from '../answers.ts'
import { jaegerRoutes } from './jaeger.ts'
import { prometheusRoutes } from './prometheus.ts'
import type { ApiRoute } from './route.ts'
import { zipkinRoutes } from './zipkin.ts'

/** By path, as `answersOf`. */
export const apiRoutes = (sources: Sources): Readonly<Record<string, ApiRoute>> => ({
  ...jaegerRoutes(sources),
  ...zipkinRoutes(sources),
  ...prometheusRoutes(sources),
})
