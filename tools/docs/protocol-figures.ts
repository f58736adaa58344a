/** The figures of lab/bench/protocols as a table: medians over the rounds, with the least and the greatest. */
import { type Figures, spread } from '../../lab/bench/protocols/figures.ts'
import { benchResult, notRecorded } from './bench-result.ts'
import { table } from './regions.ts'

interface Result {
  readonly command: string
  readonly at: string
  readonly machine: string
  readonly load: { readonly perSecond: number; readonly seconds: number }
  readonly rounds: number
  readonly bytes: Readonly<Record<string, { readonly sent: number; readonly received: number }>>
  readonly rows: readonly {
    readonly way: string
    readonly latency: Figures
    readonly oneWay?: Figures
    readonly failed: number
    readonly cpuMicros: { readonly client: number; readonly answerer: number; readonly broker: number }
  }[]
}

const words = {
  en: {
    head: ['', 'p50, ms', 'p99, ms', 'CPU a call, µs', 'bytes out + in', 'failed'],
    rest: 'REST: `GET /orders/{id}`',
    grpc: 'gRPC: `GetOrder`',
    webSocket: 'WebSocket: a question and its answer',
    message: 'message, until the broker has synced it',
    oneWay: 'message, until the receiver has it',
    not: 'not counted',
    raw: 'Median of the rounds (least to greatest). Raw output',
  },
  ru: {
    head: ['', 'p50, мс', 'p99, мс', 'ЦП на вызов, мкс', 'байт туда + обратно', 'отказов'],
    rest: 'REST: `GET /orders/{id}`',
    grpc: 'gRPC: `GetOrder`',
    webSocket: 'WebSocket: вопрос и ответ',
    message: 'сообщение, пока брокер не записал его на диск',
    oneWay: 'сообщение, пока оно не у получателя',
    not: 'не считались',
    raw: 'Медиана раундов (от наименьшего до наибольшего). Сырой вывод',
  },
} as const

/**
 * The bench's figures with command, date and machine.
 * @param language `en` or `ru`
 */
export function protocolFigures(language = 'en'): string {
  const said = words[language === 'ru' ? 'ru' : 'en']
  const result = benchResult<Result>('protocols')
  if (result === undefined) return notRecorded
  const { command, at, machine, bytes, rows } = result
  const line = (name: keyof typeof said, way: string, pick: (row: Result['rows'][number]) => Figures | undefined) => {
    const own = rows.filter((row) => row.way === way)
    const of = (values: readonly number[], digits: number, scale: number) => {
      const { median, min, max } = spread(values)
      const text = (value: number) => (value / scale).toFixed(digits)
      return `${text(median)} (${text(min)}–${text(max)})`
    }
    const figures = own.flatMap((row) => pick(row) ?? [])
    const cpu = own.map(({ cpuMicros }) => cpuMicros.client + cpuMicros.answerer + cpuMicros.broker)
    const wire = bytes[name] ?? bytes[way]
    return [
      String(said[name]),
      of(
        figures.map(({ p50 }) => p50),
        2,
        1_000,
      ),
      of(
        figures.map(({ p99 }) => p99),
        2,
        1_000,
      ),
      of(cpu, 0, 1),
      wire ? `${wire.sent} + ${wire.received}` : said.not,
      String(own.reduce((sum, row) => sum + row.failed, 0)),
    ]
  }
  const link = language === 'ru' ? '../../lab' : '../lab'
  return [
    table(said.head, [
      line('rest', 'rest', ({ latency }) => latency),
      line('grpc', 'grpc', ({ latency }) => latency),
      line('webSocket', 'webSocket', ({ latency }) => latency),
      line('message', 'message', ({ latency }) => latency),
      line('oneWay', 'message', ({ oneWay }) => oneWay),
    ]),
    '',
    `\`${command}\`, ${at.slice(0, 10)}, ${language === 'ru' ? inRussian(machine) : machine}. ${said.raw}: [protocols.json](${link}/bench/results/protocols.json).`,
  ].join('\n')
}

/** The bench describes its machine in English. */
function inRussian(machine: string): string {
  return machine.replace(/load ([\d.]+) at the end$/, 'средняя загрузка в конце — $1')
}
