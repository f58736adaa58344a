/** Service levels: what is promised, how it is now, and how much may still go wrong. */
import type { LevelView } from '@svyaz/contracts/telemetry.ts'
import { useTelemetry } from '../../live/use-telemetry.ts'
import { decimal, duration } from '../../shell/format.ts'
import { type Language, usePreferences, useWords } from '../../shell/preferences.ts'
import { inEnglish, inRussian } from '../../shell/refusals.ts'
import { Skeleton } from '../../shell/skeleton.tsx'
import './levels.css'

const levelWords = {
  en: {
    title: 'Service levels, judged all the time',
    verdicts: { met: 'met', missed: 'missed', 'no data': 'no data' } as Readonly<Record<string, string>>,
    atMost: 'at most',
    atLeast: 'at least',
    worst: 'Now',
    budget: 'Budget spent',
    burn: (window: string, rate: string) => `${window}: ${rate} ×`,
    burnLabel: 'how fast it is being spent; at 1 × it lasts exactly its period',
    notYet: 'not judged often enough yet',
    tooFew: (samples: string, least: string) => `${samples} of ${least} samples: too few to judge`,
    under: 'Under',
    over: 'over',
    none: 'There are no service levels here.',
    away: (error: unknown) => `The telemetry doesn’t answer: ${inEnglish(error)}`,
    count: (met: number, all: number) => `${met} of ${all} are met`,
  },
  ru: {
    title: 'Уровни сервиса, под постоянной оценкой',
    verdicts: { met: 'выполнен', missed: 'нарушен', 'no data': 'нет данных' } as Readonly<Record<string, string>>,
    atMost: 'не больше',
    atLeast: 'не меньше',
    worst: 'Сейчас',
    budget: 'Израсходовано',
    burn: (window: string, rate: string) => `${window}: ${rate} ×`,
    burnLabel: 'как быстро расходуется запас; при 1 × его хватает ровно на период',
    notYet: 'оценок пока мало',
    tooFew: (samples: string, least: string) => `замеров ${samples} из ${least}: судить рано`,
    under: 'При нагрузке',
    over: 'за',
    none: 'Уровней сервиса здесь нет.',
    away: (error: unknown) => `Телеметрия не отвечает: ${inRussian(error)}`,
    count: (met: number, all: number) => `выполнено: ${met} из ${all}`,
  },
}

const againMs = 10_000

/** One card for each. */
export default function LevelsPage() {
  const words = useWords(levelWords)
  const { answer, refused } = useTelemetry('levels', {}, againMs)
  const levels = answer?.levels
  return (
    <section className="levels-page" aria-label={words.title}>
      <header>
        <h2>{words.title}</h2>
        {levels !== undefined && (
          <p className="hint">{words.count(levels.filter(({ verdict }) => verdict === 'met').length, levels.length)}</p>
        )}
      </header>
      {refused !== undefined && levels === undefined && <p className="hint">{words.away(refused)}</p>}
      {levels === undefined && refused === undefined && <Skeleton rows={8} />}
      {levels?.length === 0 && <p className="hint">{words.none}</p>}
      <ul>
        {levels?.map((level) => (
          <Level key={level.id} level={level} />
        ))}
      </ul>
    </section>
  )
}

const looks = { met: 'good', missed: 'bad', 'no data': '' } as const

function Level({ level }: { level: LevelView }) {
  const words = useWords(levelWords)
  const { language } = usePreferences()
  const { objective, verdict } = level
  const worst = worstOf(level)
  return (
    <li className="card level" data-verdict={verdict}>
      {/* The list of levels is in English, as alerts and dashboards name them. */}
      <h3 lang="en">{level.what}</h3>
      <p className="verdict">
        <span className={`dot ${looks[verdict]}`} /> {words.verdicts[verdict]}
      </p>
      <p className="now">
        {worst?.value == null ? '—' : amount(worst.value, objective.unit, language)}
        {worst !== undefined && worst.of !== '' && <span className="hint"> {worst.of}</span>}
      </p>
      <p className="hint">
        {objective.at === 'most' ? words.atMost : words.atLeast} {amount(objective.value, objective.unit, language)},{' '}
        {words.over} {level.window}
      </p>
      {verdict === 'no data' && worst !== undefined && (
        <p className="hint">{words.tooFew(decimal(worst.samples, language), decimal(level.samplesMin, language))}</p>
      )}
      <Budget level={level} />
      {level.load !== 'any' && (
        <p className="hint">
          {words.under}: <span lang="en">{level.load}</span>
        </p>
      )}
    </li>
  )
}

/** Seconds and ratios as people read them. */
function amount(value: number, unit: string, language: Language): string {
  if (unit === 'seconds') return duration(value * 1_000, language)
  if (unit === 'ratio') return value.toLocaleString(language, { style: 'percent', maximumFractionDigits: 2 })
  return `${decimal(value, language)} ${unit}`
}

/** The series that a level is judged by: the one furthest on the wrong side. */
function worstOf({ series, objective }: LevelView): LevelView['series'][number] | undefined {
  const sign = objective.at === 'most' ? -1 : 1
  const known = series.filter(({ value }) => value !== null)
  return known.toSorted((a, b) => sign * ((a.value ?? 0) - (b.value ?? 0)))[0] ?? series[0]
}

function Budget({ level: { budget } }: { level: LevelView }) {
  const words = useWords(levelWords)
  const { language } = usePreferences()
  if (budget === null) return <p className="hint">{words.notYet}</p>
  return (
    <div className="budget">
      <p>
        <span className="hint">{words.budget}</span>{' '}
        <b className={budget.spent >= 1 ? 'bad' : undefined}>
          {budget.spent.toLocaleString(language, { style: 'percent', maximumFractionDigits: 0 })}
        </b>
      </p>
      <span className="spent" aria-hidden="true">
        <i style={{ width: `${Math.min(100, 100 * budget.spent)}%` }} data-over={budget.spent >= 1 || undefined} />
      </span>
      <p className="hint" title={words.burnLabel}>
        {budget.burn
          .filter(({ rate }) => rate !== null)
          .map(({ window, rate }) => words.burn(window, decimal(rate ?? 0, language)))
          .join(' · ')}
      </p>
    </div>
  )
}
