/** The monitoring plan: each service level with where it comes from, when it alerts, and what to look at. */
import { type ServiceLevel, serviceLevels } from '../../system/service-levels.ts'
import { code, table } from './regions.ts'

const sign = { most: '≤', least: '≥' } as const

/** The Russian words of a level; its figures and expression are the list's. */
const russian: Readonly<Record<string, { readonly what: string; readonly load?: string; readonly runbook: string }>> = {
  'gateway-latency': {
    what: 'Задержка шлюза, среднее для GET /products',
    runbook: 'Панель Services: медлит шлюз или inventory? Потом процессор обоих и база inventory.',
  },
  'gateway-throughput': {
    what: 'Пропускная способность шлюза',
    load: 'предложено не меньше 1000 запросов/с',
    runbook: 'Отказывает раньше обещанного: добавить шлюзов, посмотреть, чего он ждёт.',
  },
  'gateway-errors': {
    what: 'Доля ошибок шлюза',
    runbook: 'Какой маршрут и код (панель Services), какой предохранитель разомкнут, какого экземпляра нет.',
  },
  'service-latency': {
    what: 'Задержка сервиса по HTTP, среднее по каждому',
    runbook: 'Сначала его база, потом те, кого он вызывает (предохранители, повторы), потом его процессор.',
  },
  cpu: {
    what: 'Процессор каждого экземпляра',
    runbook: 'Нагрузка выросла — добавить экземпляров. Прежняя — снять профиль и посмотреть, что изменилось.',
  },
  memory: {
    what: 'Память каждого экземпляра',
    runbook:
      'Возвращается ли она после сборки мусора (nodejs_heap_size_used_bytes)? Нет — перезапустить и искать утечку.',
  },
  database: {
    what: 'Запрос к базе, среднее по каждому сервису',
    runbook: 'svyaz_database_waiting больше 0 — мал пул. Иначе pg_stat_activity: блокировки и долгие запросы.',
  },
  'message-latency': {
    what: 'Задержка сообщения: от создания события до обработчика',
    runbook: 'Возраст outbox (отправитель или брокер), потом отставание группы (обработчики или то, чего они ждут).',
  },
  'message-throughput': {
    what: 'Пропускная способность сообщений',
    load: 'одному брокеру предложено не меньше 5000 сообщений/с',
    runbook: 'Какая группа отстаёт: добавлять её экземпляров, пока хватает разделов.',
  },
  'unread-messages': {
    what: 'Непрочитанные сообщения каждой группы в каждом топике',
    runbook:
      'Группа ждёт кого-то отсутствующего (в журнале сказано один раз) или не успевает? Добавить экземпляров либо вернуть того, кого нет.',
  },
  'message-loss': {
    what: 'Сообщения, с которыми не справился ни один обработчик',
    runbook: 'Прочесть отложенные (npx svyaz dlq), устранить причину, вернуть их.',
  },
  uptime: {
    what: 'Доступность каждого сервиса: отвечает хотя бы один экземпляр',
    runbook: 'Кто упал и почему: npx svyaz ps, npx svyaz logs <сервис>.',
  },
  'network-latency': {
    what: 'Сетевая задержка между сервисами: вызов gRPC глазами вызвавшего минус время сервера',
    runbook:
      'Занятый цикл событий с любой стороны выглядит так же: сначала nodejs_eventloop_lag_p99_seconds, потом сеть.',
  },
}

const units: Readonly<Record<ServiceLevel['objective']['unit'], string>> = {
  seconds: 'с',
  ratio: '(доля)',
  'requests/s': 'запросов/с',
  'messages/s': 'сообщений/с',
  messages: 'сообщений',
}
const spans: Readonly<Record<string, string>> = { m: 'мин', h: 'ч', d: 'сут' }
/** `5m` as a Russian page has it. */
const spanInRussian = (span: string): string => span.replace(/[mhd]$/, (unit) => `\u00a0${spans[unit]}`)

const severities = { critical: 'критическая', warning: 'предупреждение' } as const
const heads = {
  en: ['objective', 'window and load', 'samples', 'comes from', 'alert', 'look at'],
  ru: ['цель', 'окно и нагрузка', 'замеров', 'откуда берётся', 'тревога', 'куда смотреть'],
} as const

/** @throws Error naming a level that has no Russian words. */
export function monitoringTable(language = 'en'): string {
  const inRussian = language === 'ru'
  return table(
    heads[inRussian ? 'ru' : 'en'],
    serviceLevels.map((level) => {
      const { id, objective, window, load, samplesMin, expression, severity, patience } = level
      const own = inRussian ? russian[id] : level
      if (own === undefined) throw new Error(`tools/docs/monitoring.ts has no Russian words for ${id}`)
      const unit = inRussian ? units[objective.unit] : objective.unit
      const anyLoad = load === 'any' ? 'любая' : load
      return [
        `${own.what} ${sign[objective.at]} ${objective.value} ${unit}`,
        inRussian ? `${spanInRussian(window)}; ${own.load ?? anyLoad}` : `${window}; ${load}`,
        `≥ ${samplesMin}`,
        code(expression.replaceAll('$window', window)),
        inRussian ? `${severities[severity]}, через ${spanInRussian(patience)}` : `${severity}, after ${patience}`,
        own.runbook,
      ]
    }),
  )
}
