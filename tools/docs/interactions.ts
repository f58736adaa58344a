/** Who talks to whom by which protocol, and why by that one: rows from contracts and sources, reasons from here. */

import { returnMessages } from '../../contracts/http/relay.ts'
import { introspectToken } from '../../contracts/http/users.ts'
import { topics } from '../../contracts/index.ts'
import { streamPath } from '../../contracts/socket/notifications.ts'
import { relayPath } from '../../contracts/socket/relay.ts'
import { serviceNames } from '../../contracts/vocabulary.ts'
import { publicMethods } from '../../services/gateway/src/public-methods.ts'
import { grpcMethods } from './grpc.ts'
import { code, table } from './regions.ts'
import { type Call, callsBetweenServices, callsByAddress, callsOfRoutes } from './source.ts'

type Language = 'en' | 'ru'

interface Row {
  readonly from: string
  readonly to: string
  readonly protocol: string
  readonly what: string
  readonly reason: keyof typeof reasons
}

/** One sentence a kind of interaction; docs/protocols.md has the long form with figures. */
const reasons = {
  edge: {
    en: 'anyone can call it with curl; caches, limits and proxies understand it',
    ru: 'вызывается чем угодно, вплоть до curl; его понимают кэши, прокси и ограничители',
  },
  http: {
    en: 'the same operation that clients use; one contract for both',
    ru: 'та же операция, что и у клиентов: один контракт на двоих',
  },
  unary: {
    en: 'answer needed now, between services: typed on both sides, deadline on the wire, half the bytes',
    ru: 'ответ нужен сразу и внутри системы: типы с обеих сторон, срок в самом вызове, вдвое меньше байтов',
  },
  stream: {
    en: 'many messages of one conversation, with back-pressure',
    ru: 'много сообщений одного разговора, с обратным давлением',
  },
  event: {
    en: 'a fact that several services need, each at its own pace, even after an outage',
    ru: 'факт, о котором узнают многие, каждый в своё время, даже после простоя',
  },
  task: {
    en: 'work that must be done once, by whoever is free',
    ru: 'работа, которую ровно один раз делает тот, кто свободен',
  },
  push: {
    en: 'the server speaks first; one connection instead of polling',
    ru: 'первым говорит сервер; одно соединение вместо опроса',
  },
  relay: {
    en: 'each leg of the relay loop has its own protocol',
    ru: 'в круге ретрансляции у каждой стороны свой протокол',
  },
  token: {
    en: 'introspection as any identity provider answers it (RFC 7662)',
    ru: 'проверка токена так, как её делает любой провайдер идентификации (RFC 7662)',
  },
  signedOut: {
    en: 'one signed word, as any identity provider says it (OpenID Connect Back-Channel Logout)',
    ru: 'одно подписанное сообщение, какое шлёт любой провайдер идентификации (OpenID Connect Back-Channel Logout)',
  },
  settings: {
    en: 'read at the start and each minute, as from a Spring Cloud Config server',
    ru: 'читаются при запуске и каждую минуту, как у Spring Cloud Config',
  },
  program: {
    en: 'programs get types, deadlines and streams from the .proto files; gRPC-Web where there are no trailers',
    ru: 'программе дают типы, сроки и потоки сами файлы .proto; gRPC-Web — там, где нет трейлеров',
  },
  provider: { en: 'what payment providers speak', ru: 'так говорят платёжные системы' },
  page: {
    en: 'the server behind a page is a client like any other',
    ru: 'сервер страницы — такой же клиент, как другие',
  },
  shared: {
    en: 'a script runs alone: one count for all gateways, whoever asks at once',
    ru: 'скрипт выполняется один: счёт общий для всех шлюзов, кто бы ни спросил одновременно',
  },
  discovery: { en: 'Consul’s own API', ru: 'собственный API Consul' },
  mail: { en: 'what mail servers speak', ru: 'другого языка у почтовых серверов нет' },
} as const

/** What a process wants of another whose address it is given. */
function byAddress({ from, to, protocol }: Call): Pick<Row, 'what' | 'reason'> {
  if (protocol === 'SMTP') return { what: 'mails', reason: 'mail' }
  if (from === 'telemetry') return { what: 'who is registered, to scrape it', reason: 'discovery' }
  if (from === 'console' && protocol === 'Kafka')
    return { what: 'records, groups, dead letters; without a group of its own', reason: 'page' }
  if (from === 'console' && to === 'discovery')
    return { what: 'who is registered, with what checks', reason: 'discovery' }
  if (from === 'console') return { what: 'what a page shows and asks for', reason: 'page' }
  return { what: 'charges, refunds', reason: 'provider' }
}

const askingKeycloak: Row = {
  from: 'users',
  to: 'Keycloak',
  protocol: 'HTTP',
  what: 'token introspection, where it is the provider',
  reason: 'token',
}

const toldOfSignOut: Row = {
  from: 'users',
  to: 'console',
  protocol: 'HTTP',
  what: 'somebody has signed out elsewhere',
  reason: 'signedOut',
}

const sharing: Row = {
  from: 'gateway',
  to: 'Redis',
  protocol: 'RESP',
  what: 'limits and kept answers, where several gateways share them',
  reason: 'shared',
}

const toForeign: readonly Row[] = [askingKeycloak, toldOfSignOut, sharing]

/** Of the gateway's public methods, as a table names them. */
const publicNames = publicMethods.map(({ path }) => code(path.split('.').at(-1)!.replace('/', '.'))).join(', ')

function rows(): Row[] {
  const routed = callsOfRoutes()
  const services = routed.filter(({ protocol }) => protocol === 'HTTP').map(({ to }) => to)
  const edge = callsBetweenServices().filter(({ to, protocol }) => to !== 'mc1' && protocol === 'HTTP')
  const everyone = (readers: readonly string[]) => serviceNames.every((name) => readers.includes(name))
  return [
    { from: 'client', to: 'gateway', protocol: 'HTTP', what: 'every public operation', reason: 'edge' },
    { from: 'client', to: 'gateway', protocol: 'gRPC, gRPC-Web', what: publicNames, reason: 'program' },
    { from: 'gateway', to: services.join(', '), protocol: 'HTTP', what: 'routes of the gateway', reason: 'edge' },
    ...edge.map(
      ({ from, to }): Row =>
        from === 'gateway'
          ? { from, to, protocol: 'HTTP', what: code(`POST ${introspectToken.path}`), reason: 'token' }
          : { from, to, protocol: 'HTTP', what: 'one of its public operations', reason: 'http' },
    ),
    ...toForeign,
    ...grpcMethods().flatMap(({ name, kind, service, callers }) =>
      callers.map(
        (from): Row => ({
          from,
          to: service,
          protocol: `gRPC, ${kind}`,
          what: code(name),
          reason: kind === 'unary' ? 'unary' : 'stream',
        }),
      ),
    ),
    ...topics.map(
      ({ name, writer, readers, kind }): Row => ({
        from: writer,
        to: everyone(readers) ? 'every service' : readers.join(', '),
        protocol: kind === 'task' ? 'Kafka, queue' : 'Kafka, pub/sub',
        what: code(name),
        reason: kind === 'task' ? 'task' : 'event',
      }),
    ),
    ...returnMessages.access.services.map(
      (from): Row => ({
        from,
        to: returnMessages.service,
        protocol: 'HTTP',
        what: code(`POST ${returnMessages.path}`),
        reason: 'relay',
      }),
    ),
    { from: 'mc1', to: 'mc2', protocol: 'WebSocket', what: code(relayPath), reason: 'relay' },
    { from: 'client', to: 'gateway', protocol: 'WebSocket', what: code(streamPath), reason: 'push' },
    ...routed
      .filter(({ protocol }) => protocol === 'WebSocket')
      .map(({ from, to }): Row => ({ from, to, protocol: 'WebSocket', what: code(streamPath), reason: 'push' })),
    {
      from: 'every service',
      to: 'config',
      protocol: 'HTTP',
      what: 'its settings, on Spring’s paths',
      reason: 'settings',
    },
    ...callsByAddress().map((call): Row => ({ ...call, ...byAddress(call) })),
  ]
}

const heads = {
  en: ['from', 'to', 'protocol', 'what', 'why this one'],
  ru: ['кто', 'кому', 'протокол', 'что', 'почему он'],
} as const

/** Words of cells that are not names of things. */
const russian: Readonly<Record<string, string>> = {
  client: 'клиент',
  'every service': 'каждый сервис',
  'limits and kept answers, where several gateways share them':
    'пределы и хранимые ответы, если они общие у нескольких шлюзов',
  'token introspection, where it is the provider': 'проверка токена, когда провайдер — он',
  'somebody has signed out elsewhere': 'кто-то вышел в другом месте',
  'every public operation': 'все открытые операции',
  'routes of the gateway': 'маршруты шлюза',
  'one of its public operations': 'одна из его открытых операций',
  mails: 'письма',
  'its settings, on Spring’s paths': 'свои настройки, по путям Spring',
  'what a page shows and asks for': 'то, что показывает и просит страница',
  'records, groups, dead letters; without a group of its own': 'записи, группы, недоставленное; без собственной группы',
  'charges, refunds': 'списания, возвраты',
  'who is registered, to scrape it': 'кто зарегистрирован, чтобы собирать с него метрики',
  'who is registered, with what checks': 'кто зарегистрирован и с какими проверками',
  'gRPC, unary': 'gRPC, запрос — ответ',
  'gRPC, server streams': 'gRPC, поток от сервера',
  'gRPC, client streams': 'gRPC, поток от клиента',
  'gRPC, both stream': 'gRPC, потоки в обе стороны',
  'Kafka, pub/sub': 'Kafka, подписка',
  'Kafka, queue': 'Kafka, очередь',
}

/** Names are the same in both languages: one word, a list of them, code. */
const isName = (text: string): boolean => text.startsWith('`') || !/[^,] /.test(text)

function inRussian(text: string): string {
  const said = russian[text]
  if (said === undefined && !isName(text))
    throw new Error(`tools/docs/interactions.ts has no Russian words for "${text}"`)
  return said ?? text
}

/**
 * Who talks to whom, over what, and why.
 * @throws Error naming words that have no Russian ones.
 * @param language `en` or `ru`
 */
export function interactionsTable(language = 'en'): string {
  const chosen: Language = language === 'ru' ? 'ru' : 'en'
  const said = (text: string) => (chosen === 'ru' ? inRussian(text) : text)
  return table(
    heads[chosen],
    rows().map(({ from, to, protocol, what, reason }) => [
      ...[from, to, protocol, what].map(said),
      reasons[reason][chosen],
    ]),
  )
}
