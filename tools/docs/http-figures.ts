/** The figures of lab/bench/http as tables: medians over the rounds, with the least and the greatest. */
import type { Cost } from '../../lab/bench/http/cost.ts'
import type { HeaderBytes } from '../../lab/bench/http/header-bytes.ts'
import type { Link, PageRow } from '../../lab/bench/http/main.ts'
import { spread } from '../../lab/bench/protocols/figures.ts'
import { benchResult, notRecorded } from './bench-result.ts'
import { table } from './regions.ts'

interface Result {
  readonly command: string
  readonly at: string
  readonly machine: string
  readonly load: number
  readonly atOnce: number
  readonly links: readonly Link[]
  readonly headers: readonly HeaderBytes[]
  readonly cost: readonly Cost[]
  readonly pages: readonly PageRow[]
}

const words = {
  en: {
    all: (count: number) => `${count} requests at once, ms`,
    slowest: 'the slowest tenth of them from, ms',
    first: 'first answer on a new connection, ms',
    names: ['loopback', '50 ms', '50 ms, 2 % lost'],
    bytes: ['', 'headers of the 1st request, bytes', 'of the 50th'],
    cost: ['', 'server, µs a request', 'client, µs a request'],
    ways: [
      'HTTP/1.1',
      'HTTP/1.1 in TLS',
      'HTTP/2 in TLS',
      'HTTP/2 without TLS',
      'HTTP/1.1, undici',
      'HTTP/2 in TLS, undici',
    ],
    raw: 'Median of the rounds (least to greatest). Raw output',
    load: (load: string) => `load ${load} before: other work had the same two cores, so compare columns, not machines`,
  },
  ru: {
    all: (count: number) => `${count} запросов сразу, мс`,
    slowest: 'самая медленная десятая часть — от, мс',
    first: 'первый ответ на новом соединении, мс',
    names: ['петля', '50 мс', '50 мс, 2 % потерь'],
    bytes: ['', 'заголовки 1-го запроса, байт', '50-го'],
    cost: ['', 'сервер, мкс на запрос', 'клиент, мкс на запрос'],
    ways: ['HTTP/1.1', 'HTTP/1.1 в TLS', 'HTTP/2 в TLS', 'HTTP/2 без TLS', 'HTTP/1.1, undici', 'HTTP/2 в TLS, undici'],
    raw: 'Медиана раундов (от наименьшего до наибольшего). Сырой вывод',
    load: (load: string) =>
      `нагрузка до замера ${load}: те же два ядра делила чужая работа, поэтому сравнивайте столбцы, а не машины`,
  },
} as const

const versions = ['1.1', '2', '3']

/** Medians of a list, with the ends of it. */
const figure = (values: readonly number[], digits = 0): string => {
  const { median, min, max } = spread(values)
  return `${median.toFixed(digits)} (${min.toFixed(digits)}–${max.toFixed(digits)})`
}

/**
 * The bench's figures with command, date and machine.
 * @param language `en` or `ru`
 */
export function httpFigures(language = 'en'): string {
  const said = words[language === 'ru' ? 'ru' : 'en']
  const result = benchResult<Result>('http')
  if (result === undefined) return notRecorded
  const pages = (name: string, version: string) =>
    result.pages.filter((row) => row.link === name && row.version === version)
  const perLink = (pick: (row: PageRow) => number) =>
    result.links.map(({ name }, at) => [
      said.names[at] ?? name,
      ...versions.map((version) => figure(pages(name, version).map(pick))),
    ])
  const head = (what: string) => [what, ...versions.map((version) => `HTTP/${version}`)]
  const tenth = ({ eachMs }: PageRow) => eachMs[Math.floor(eachMs.length * 0.9)] ?? 0
  const cost = [...new Set(result.cost.map(({ way }) => way))].map((way, at) => {
    const own = result.cost.filter((row) => row.way === way)
    return [
      said.ways[at] ?? way,
      figure(own.map(({ serverMicros }) => serverMicros)),
      figure(own.map(({ clientMicros }) => clientMicros)),
    ]
  })
  const link = `[http.json](${language === 'ru' ? '../' : ''}../lab/bench/results/http.json)`
  return [
    table(
      head(said.all(result.atOnce)),
      perLink(({ allMs }) => allMs),
    ),
    table(head(said.slowest), perLink(tenth)),
    table(
      head(said.first),
      perLink(({ firstMs }) => firstMs),
    ),
    table(
      said.bytes,
      result.headers.map(({ version, first, fiftieth }) => [`HTTP/${version}`, String(first), String(fiftieth)]),
    ),
    table(said.cost, cost),
    `\`${result.command}\`, ${result.at.slice(0, 10)}, ${result.machine}, ${said.load(result.load.toFixed(1))}. ${said.raw}: ${link}.`,
  ].join('\n\n')
}
