/** The proposal of tools, damaged as a page that lost a line would be. */
import { type Breaks, sees } from '../breaks.ts'

const breaks: Breaks<'R5.6'> = {
  'R5.6': [
    [
      'a tool is left out',
      /docs\/monitoring\.md doesn’t propose Zipkin/,
      (e) => {
        for (const row of e.pages[0]!.rows) for (const at of row.keys()) row[at] = row[at]!.replaceAll('Zipkin', 'it')
      },
    ],
    [
      'the Russian plan leaves one out',
      /docs\/ru\/monitoring\.md doesn’t propose Datadog/,
      (e) => {
        e.pages[1]!.rows = e.pages[1]!.rows.filter(([, tool]) => tool !== 'Datadog')
      },
    ],
    [
      'a tool has no reason',
      /Jaeger has no reason/,
      (e) => {
        e.pages[0]!.rows.find(([, tool]) => tool === 'Jaeger')![2] = ''
      },
    ],
    [
      'nothing says how it is connected',
      /nothing says how New Relic is connected/,
      (e) => {
        e.pages[1]!.rows.find(([, tool]) => tool === 'New Relic')![3] = ''
      },
    ],
    ['the section is gone', /doesn’t propose Prometheus/, (e) => void e.pages[0]!.rows.splice(0)],
  ],
}

sees(breaks)
