/** R5.6: the monitoring plan proposes the tools that the assignment names, each with its reason and how it is connected. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { faultsOf, proof } from '../proof.ts'

const root = join(import.meta.dirname, '..', '..', '..')

/** What the assignment names, as the pages spell it. */
const named = [
  'Prometheus',
  'Grafana',
  'Elasticsearch',
  'Logstash',
  'Kibana',
  'Control Center',
  'Kafka Manager',
  'Jaeger',
  'Zipkin',
  'Datadog',
  'New Relic',
]

/** The heading of the section in each language. */
const pages: readonly (readonly [page: string, heading: string])[] = [
  ['docs/monitoring.md', '## Which tool for what, and why'],
  ['docs/ru/monitoring.md', '## Какой инструмент для чего и почему'],
]

/** Cells of the first table below a heading, without its head. */
function rowsBelow(text: string, heading: string): string[][] {
  const section = text.split(`${heading}\n`)[1]?.split('\n## ')[0] ?? ''
  const lines = section.split('\n').filter((line) => line.startsWith('|'))
  return lines.slice(2).map((line) =>
    line
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim()),
  )
}

export const proposed = proof({
  gather: async (outside) => {
    const found = pages.map(([page, heading]) => ({
      page,
      rows: rowsBelow(readFileSync(join(root, page), 'utf8'), heading),
    }))
    for (const { page, rows } of found) outside.note(page, rows.map(([, tool]) => tool).join('; '))
    return { pages: found }
  },
  judge: ({ pages }) =>
    pages.flatMap(({ page, rows }) => [
      ...named
        .filter((tool) => !rows.some((cells) => cells.some((cell) => cell.includes(tool))))
        .map((tool) => `${page} doesn’t propose ${tool}, nor says what stands in its place`),
      ...rows.flatMap(([what = '', tool = '', reason = '', connected = '']) =>
        faultsOf(
          [what !== '' && tool !== '', `${page}: a row names no tool`],
          [reason !== '', `${page}: ${tool} has no reason`],
          [connected !== '', `${page}: nothing says how ${tool} is connected`],
        ),
      ),
    ]),
})
