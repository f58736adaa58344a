/** What a program can read without asking a question: pictures of the system that hold still. */
import { routes, topics } from '@svyaz/contracts'
import { serviceLevels } from '@svyaz/system/service-levels'
import { topology } from '@svyaz/system/topology'
import { assignment } from '@svyaz/verify/assignment.ts'
import { processTools } from './processes.ts'
import type { Answer, Place } from './tool.ts'

export interface Resource {
  readonly name: string
  readonly uri: string
  readonly title: string
  readonly description: string
  readonly read: (place: Place) => Promise<Answer> | Answer
}

/** Every resource; what has an id is a tool's answer. */
export const resources: readonly Resource[] = [
  {
    name: 'topology',
    uri: 'svyaz://topology',
    title: 'Processes, topics and the API',
    description:
      'Every process with what it needs, every topic with who writes and reads it, every operation of the API with the service behind it: how the system is meant to be.',
    read: () => ({
      processes: topology.processes.map(({ name, kind, needs, instances, scalable, database }) => ({
        name,
        kind,
        needs,
        instances,
        scalable,
        database: database === true ? name : database,
      })),
      topics: topics.map(({ name, summary, writer, readers, key, events }) => ({
        name,
        summary,
        writer,
        readers,
        key,
        events: Object.keys(events),
      })),
      operations: routes.map(({ id, service, method, path }) => `${id}: ${method} ${path} (${service})`),
    }),
  },
  {
    name: 'processes',
    uri: 'svyaz://processes',
    title: 'What runs now',
    description: 'The state of every process at this moment, as the tool `processes` returns it.',
    read: (place) => processTools[0]!.run({}, place),
  },
  {
    name: 'service-levels',
    uri: 'svyaz://service-levels',
    title: 'What is promised',
    description: 'Every service level with objective, window and runbook; the tool `service_levels` judges them.',
    read: () => ({ levels: serviceLevels }),
  },
  {
    name: 'assignment',
    uri: 'svyaz://assignment',
    title: 'What the system must do',
    description: 'The rows of the assignment; the tool `requirements` shows one in full.',
    read: () => ({
      rows: assignment.flatMap(({ title, rows }) => rows.map(({ id, what }) => ({ id, section: title, what }))),
    }),
  },
]
