/** The curve of lab/bench/telemetry as a table: what taking spans costs the telemetry over a run. */
import type { TelemetryResult } from '../../lab/bench/telemetry/main.ts'
import { benchResult, notRecorded } from './bench-result.ts'
import { table } from './regions.ts'

const words = {
  en: {
    head: ['second', 'spans/s', 'CPU, share of a core', 'memory, MB'],
    text: (run: TelemetryResult, refused: number) =>
      `load ${run.load} before. ${run.spans.toLocaleString('en')} spans, ${run.spansPerSecond.toLocaleString('en')} a second of ${run.rate.toLocaleString('en')} asked for; ${refused} exports without a 200; ${run.cpuMicrosPerSpan} µs of CPU a span, ${run.cpu} of a core in all; at most ${run.memoryMostMb} MB. The sender took ${run.senderCpu} of a core.`,
  },
  ru: {
    head: ['секунда', 'спанов/с', 'процессор, доля ядра', 'память, МБ'],
    text: (run: TelemetryResult, refused: number) =>
      `средняя загрузка до начала: ${run.load}. Спанов: ${run.spans.toLocaleString('en')}, в секунду ${run.spansPerSecond.toLocaleString('en')} из заданных ${run.rate.toLocaleString('en')}; посылок без ответа 200: ${refused}; на спан ${run.cpuMicrosPerSpan} мкс процессора, всего ${run.cpu} ядра; памяти не больше ${run.memoryMostMb} МБ. Отправитель занял ${run.senderCpu} ядра.`,
  },
}

/** A row for each stretch of the run. @param language `ru`; English by default */
export function telemetryFigures(language: string): string {
  const { head, text } = language === 'ru' ? words.ru : words.en
  const run = benchResult<TelemetryResult>('telemetry')
  if (run === undefined) return notRecorded
  const refused = Object.entries(run.answers)
    .filter(([status]) => status !== '200')
    .reduce((sum, [, exports]) => sum + exports, 0)
  return [
    table(
      head,
      run.points.map(({ atSeconds, spansPerSecond, cpu, memoryMb }) => [
        String(atSeconds),
        spansPerSecond.toLocaleString('en'),
        cpu.toFixed(2),
        String(memoryMb),
      ]),
    ),
    `\`${run.command}\`, ${run.at.slice(0, 10)}, ${run.machine}, ${text(run, refused)}`,
  ].join('\n\n')
}
