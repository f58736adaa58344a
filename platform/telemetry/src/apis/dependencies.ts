/** Who called whom, in the form that both Jaeger and Zipkin know: pairs of services with counts. */
import type { Activity } from '../activity/activity.ts'
import { sumOf } from '../activity/summary.ts'

export type Dependency = { parent: string; child: string; callCount: number; errorCount: number }

const nameOf = (node: string): string => node.replace(/^(?:service|external):/, '')

/** Direct calls alone: neither topics nor databases are services. */
export function dependencies(activity: Activity, fromMs: number, toMs: number): Dependency[] {
  const found = new Map<string, Dependency>()
  for (const { name, cells } of activity.edges.between(fromMs, toMs)) {
    if (!name.from.startsWith('service:') || !/^(?:service|external):/.test(name.to)) continue
    const [parent, child] = [nameOf(name.from), nameOf(name.to)]
    const known = found.get(`${parent}\0${child}`) ?? { parent, child, callCount: 0, errorCount: 0 }
    const { count, errors } = sumOf(cells)
    known.callCount += count
    known.errorCount += errors
    found.set(`${parent}\0${child}`, known)
  }
  return [...found.values()]
}
