/** Evidence of the documents, damaged as a page that lags behind the system would damage it. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Breaks, sees } from '../breaks.ts'
import { shapeOf, twinFaults } from '../twins.ts'
import { twins } from './documents.ts'

const breaks: Breaks<'R1.7' | 'R7.4'> = {
  'R1.7': [
    [
      'services talk in a way that no page knows',
      /on no page/,
      (e) => {
        e.seen.push('payments → users over http')
      },
    ],
    [
      'a reason is missing',
      /without a reason/,
      (e) => {
        e.reasonless = 1
      },
    ],
    [
      'the command is not that of the bench',
      /last bench/,
      (e) => {
        e.cited = false
      },
    ],
    [
      'one figure of the page is another than that of the raw output',
      /protocols\.md, row 1: .* is not .* of the raw output/,
      (e) => {
        e.pages[0]!.rows[0]![0] = e.pages[0]!.rows[0]![0]!.replace(/\d/, (digit) => String((Number(digit) + 1) % 10))
      },
    ],
    [
      'the bench was run again and the Russian page kept its figures',
      /docs\/ru\/protocols\.md, row 2/,
      (e) => {
        e.pages[1]!.rows[1]![2] = '1 (1–1)'
      },
    ],
    ['a row of figures is gone', /has 4 rows of figures/, (e) => void e.pages[0]!.rows.pop()],
    [
      'a way was not measured',
      /measured/,
      (e) => {
        e.ways.pop()
      },
    ],
  ],
  'R7.4': [
    [
      'a listed process does not run',
      /delivery is listed and does not run/,
      (e) => {
        e.running = e.running.filter((name) => name !== 'delivery')
      },
    ],
    [
      'a process is not listed',
      /runs and is not listed/,
      (e) => {
        e.drawn.processes.pop()
      },
    ],
    [
      'discovery knows one that is not listed',
      /in discovery and not listed/,
      (e) => {
        e.registered.push('stranger')
      },
    ],
    [
      'a topic is not listed',
      /in the broker and not listed/,
      (e) => {
        e.topics.push('secret.events')
      },
    ],
    [
      'a listed topic is gone',
      /not in the broker/,
      (e) => {
        e.topics.pop()
      },
    ],
    [
      'a method is not listed',
      /called and not listed/,
      (e) => {
        e.drawn.methods = []
      },
    ],
    [
      'the picture of the architecture has a process that is gone',
      /the picture has telemetry/,
      (e) => {
        e.running = e.running.filter((name) => name !== 'telemetry')
      },
    ],
    [
      'the picture of the architecture lacks a process',
      /is not in the picture/,
      (e) => {
        e.pictures.architecture.pop()
      },
    ],
    [
      'a topic is missing in the picture',
      /users.events is not in the picture/,
      (e) => {
        e.pictures.topics = e.pictures.topics.filter((name) => name !== 'users.events')
      },
    ],
    [
      'the picture has a topic that is gone',
      /which the broker has not/,
      (e) => {
        e.pictures.topics.push('old.events')
      },
    ],
    [
      'a drawn reader has left its group',
      /no group of the broker reads so/,
      (e) => {
        e.readers = e.readers.filter((one) => one !== 'orders.events → delivery')
      },
    ],
    [
      'somebody reads what the picture does not show',
      /is read and not drawn/,
      (e) => {
        e.readers.push('payments.events → users')
      },
    ],
    [
      'a worker of the queue stands idle',
      /has no partition/,
      (e) => {
        e.workers.pop()
      },
    ],
    [
      'a worker is not drawn',
      /the worker payments-3 is not drawn/,
      (e) => {
        e.workers.push('payments-3')
      },
    ],
    [
      'a part of the relay does not run',
      /mc2 does not run/,
      (e) => {
        e.running = e.running.filter((name) => name !== 'mc2')
      },
    ],
    [
      'a record is not as AsyncAPI says',
      /asyncapi.json: orders.events order.created lacks userId/,
      (e) => {
        e.unlike.push('orders.events order.created lacks userId')
      },
    ],
    [
      'a metric of the monitoring plan is gone',
      /which nobody exposes/,
      (e) => {
        e.unexposed.push('svyaz_consumer_lag')
      },
    ],
    [
      'the page of failures cites a row that is none',
      /which is none/,
      (e) => {
        e.unknownRows.push('R9.9')
      },
    ],
    [
      'a Russian page is missing',
      /architecture: there is no translation/,
      (e) => {
        e.twins[0]!.russian = structuredClone(shapeOf(undefined)) as (typeof e.twins)[0]['russian']
      },
    ],
    [
      'a heading of a Russian page moved',
      /gateway: headings differ/,
      (e) => {
        e.twins.find(({ page }) => page === 'gateway')!.russian.headings[1] = '####'
      },
    ],
    [
      'a command of a Russian page is an old one',
      /relay: code blocks differ/,
      (e) => {
        const { russian } = e.twins.find(({ page }) => page === 'relay')!
        russian.code[0] = russian.code[0]!.replace('/start/', '/begin/')
      },
    ],
    [
      'a table of a Russian page lacks a row, as many tables as there are',
      /failures, table 1: \d+ rows/,
      (e) => void e.twins.find(({ page }) => page === 'failures')!.russian.tables[0]!.pop(),
    ],
    [
      'a figure in a Russian table is an old one',
      /protocols, table 2, row 1/,
      (e) => {
        const row = e.twins.find(({ page }) => page === 'protocols')!.russian.tables[1]![1]!
        row.same = row.same.map((one) => (one === '709' ? '907' : one))
        row.same.push('0')
      },
    ],
    [
      'a paragraph is not translated',
      /patterns: not translated: "Left as it was/,
      (e) => void e.twins.find(({ page }) => page === 'patterns')!.russian.latin.push('Left as it was in English'),
    ],
    [
      'a link leads nowhere',
      /nowhere/,
      (e) => {
        e.brokenLinks.push('README.md: gone.md')
      },
    ],
  ],
}

sees(breaks)

test('the Russian pages of this checkout are their originals in structure, code, tables and figures', () =>
  assert.deepEqual(
    twins().flatMap(({ page, english, russian }) => twinFaults(page, english, russian)),
    [],
  ))
