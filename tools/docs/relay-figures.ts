/** The runs of `npm run bench:relay` as the table of docs/relay.md. */
import { type Run, table } from '../../lab/bench/relay/table.ts'
import { benchResult, notRecorded } from './bench-result.ts'

interface Result {
  readonly command: string
  readonly at: string
  readonly machine: string
  readonly seconds: number
  readonly rounds: number
  readonly runs: readonly Run[]
}

const russianColumns = [
  '',
  'стек',
  'сообщений/с, медиана (наименьшее–наибольшее)',
  'наш ÷ этот',
  'наш с трассами ÷ этот',
  'круг p50 / p99, мс',
  'WebSocket',
  'Kafka',
  'HTTP',
  'до фиксации',
]

/**
 * The relay bench's figures.
 * @param language `en` or `ru`
 */
export function relayFigures(language = 'en'): string {
  const result = benchResult<Result>('relay')
  if (result === undefined) return notRecorded
  const { command, at, machine, seconds, rounds, runs } = result
  const loads = runs.map(({ load }) => load)
  const [least, most] = [Math.min(...loads).toFixed(1), Math.max(...loads).toFixed(1)]
  if (language === 'ru')
    return [
      inRussian(table(runs, russianColumns)),
      '',
      `\`${command}\`, ${at.slice(0, 10)}, ${machine}; раундов: ${rounds}, сеансы по ${seconds} с. Средняя загрузка машины — от ${least} до ${most}: сами стеки на двух процессорах и всё, что работало рядом. Сырой вывод: [relay.json](../../lab/bench/results/relay.json).`,
    ].join('\n')
  return [
    table(runs),
    '',
    `\`${command}\`, ${at.slice(0, 10)}, ${machine}; ${rounds} ${rounds === 1 ? 'round' : 'rounds'}, sessions of ${seconds} s. The load average during the runs was ${least} to ${most}: what these stacks make of two processors, and what else ran. Raw output: [relay.json](../lab/bench/results/relay.json).`,
  ].join('\n')
}

/** The bench names its levels and stacks in English; figures are written in each language's way. */
function inRussian(figures: string): string {
  return figures
    .replaceAll(/(\d),(?=\d{3} in flight)/g, '$1')
    .replaceAll(' in flight', ' в пути')
    .replaceAll(' messages/s', ' сообщений/с')
    .replaceAll('every message traced', 'с трассой каждого сообщения')
    .replaceAll(/(?<=\d) to (?=\d)/g, '–')
    .replaceAll(/(?<=\d)\.(?=\d)/g, ',')
}
