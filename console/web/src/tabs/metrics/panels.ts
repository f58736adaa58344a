/** What the Metrics page draws: one list. Queries are PromQL as far as the telemetry answers it. */
import type { Language } from '../../shell/preferences.ts'

export interface MetricPanel {
  readonly id: string
  readonly title: Readonly<Record<Language, string>>
  readonly query: string
  readonly unit: 'perSecond' | 'seconds' | 'bytes' | 'ratio' | 'count'
  /** Labels that name a line. */
  readonly by: readonly string[]
}

const requests = 'http_server_request_duration_seconds'

export const panels: readonly MetricPanel[] = [
  {
    id: 'rate',
    title: { en: 'Requests a second', ru: 'Запросов в секунду' },
    query: `sum by (service) (rate(${requests}_count[1m]))`,
    unit: 'perSecond',
    by: ['service'],
  },
  {
    id: 'errors',
    title: { en: 'Answers of 5xx a second', ru: 'Ответов 5xx в секунду' },
    query: `sum by (service) (rate(${requests}_count{status=~"5.."}[1m]))`,
    unit: 'perSecond',
    by: ['service'],
  },
  {
    id: 'p95',
    title: { en: 'Time to answer, 95 % within', ru: 'Время ответа, 95 % быстрее' },
    query: `histogram_quantile(0.95, sum by (service, le) (rate(${requests}_bucket[1m])))`,
    unit: 'seconds',
    by: ['service'],
  },
  {
    id: 'loop',
    title: { en: 'Event loop delay, 99 % within', ru: 'Задержка цикла событий, 99 % меньше' },
    query: 'max by (instance) (nodejs_eventloop_lag_p99_seconds)',
    unit: 'seconds',
    by: ['instance'],
  },
  {
    id: 'cpu',
    title: { en: 'CPU, of one core', ru: 'Процессор, от одного ядра' },
    query: 'rate(process_cpu_seconds_total[1m])',
    unit: 'ratio',
    by: ['instance'],
  },
  {
    id: 'memory',
    title: { en: 'Memory', ru: 'Память' },
    query: 'process_resident_memory_bytes',
    unit: 'bytes',
    by: ['instance'],
  },
  {
    id: 'lag',
    title: { en: 'Messages that wait for a consumer', ru: 'Сообщения, которые ждут обработки' },
    query: 'sum by (group, topic) (svyaz_consumer_lag)',
    unit: 'count',
    by: ['group', 'topic'],
  },
  {
    id: 'outbox',
    title: { en: 'Age of the oldest event in an outbox', ru: 'Возраст старейшего события в outbox' },
    query: 'max by (service) (svyaz_outbox_oldest_age_seconds)',
    unit: 'seconds',
    by: ['service'],
  },
  {
    id: 'breakers',
    title: { en: 'Breakers: 1 tries again, 2 is open', ru: 'Предохранители: 1 — пробует снова, 2 — разомкнут' },
    query: 'max by (service, dependency) (breaker_state)',
    unit: 'count',
    by: ['service', 'dependency'],
  },
  {
    id: 'pools',
    title: { en: 'Callers that wait for a database connection', ru: 'Ждут соединения с базой' },
    query: 'max by (service) (svyaz_database_waiting)',
    unit: 'count',
    by: ['service'],
  },
]
