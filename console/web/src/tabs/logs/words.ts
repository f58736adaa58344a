import { inEnglish, inRussian } from '../../shell/refusals.ts'

type Names = Readonly<Record<string, string>>

const en = {
  instances: 'Instances',
  all: 'All processes',
  newest: 'Newest',
  marked: { warn: 'warning', error: 'error' } as Names,
  levels: { debug: 'debug', info: 'info', warn: 'warnings', error: 'errors' } as Names,
  log: (name: string) => `Log of ${name}`,
  refused: (error: unknown) => `Refused: ${inEnglish(error)}`,
  service: 'Service',
  anyService: 'all services',
  level: 'Level',
  anyLevel: 'all levels',
  andGraver: (level: string) => `${level} and graver`,
  text: 'Text',
  textHint: 'somewhere in the line',
  trace: 'Trace',
  ofTrace: (id: string) => `of trace ${id.slice(0, 8)}…`,
  withoutTrace: 'Lines of all traces',
  pause: 'Pause',
  follow: 'Follow',
  older: 'Older lines',
  none: 'No line is like that.',
  away: (error: unknown) => `The telemetry doesn’t answer: ${inEnglish(error)}`,
  rate: 'Lines of the last hour, by level',
  toTrace: 'Trace of this line',
}

const ru: typeof en = {
  instances: 'Экземпляры',
  all: 'Все процессы',
  newest: 'К новым',
  marked: { warn: 'внимание', error: 'ошибка' },
  levels: { debug: 'отладка', info: 'сведения', warn: 'предупреждения', error: 'ошибки' },
  log: (name) => `Журнал ${name}`,
  refused: (error) => `Отказ: ${inRussian(error)}`,
  service: 'Сервис',
  anyService: 'все сервисы',
  level: 'Уровень',
  anyLevel: 'все уровни',
  andGraver: (level) => `${level} и важнее`,
  text: 'Текст',
  textHint: 'где угодно в строке',
  trace: 'Трасса',
  ofTrace: (id) => `трассы ${id.slice(0, 8)}…`,
  withoutTrace: 'Строки всех трасс',
  pause: 'Пауза',
  follow: 'Следить',
  older: 'Более старые',
  none: 'Таких строк нет.',
  away: (error) => `Телеметрия не отвечает: ${inRussian(error)}`,
  rate: 'Строки за последний час, по уровням',
  toTrace: 'Трасса этой строки',
}

export const logWords = { en, ru }
