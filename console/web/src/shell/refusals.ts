/** Why something was refused, in words for a person. Refusals come with an English `detail`; in Russian their code speaks. Pure. */
import type { ErrorCode } from '@svyaz/contracts/errors.ts'
import { Refused } from '../live/connection.ts'

/** Codes that only the console's server and this page use. */
type ConsoleCode =
  | 'csrf'
  | 'experiment_under_way'
  | 'foreign_site'
  | 'mail_not_found'
  | 'invalid_record'
  | 'no_assignment'
  | 'no_broker'
  | 'no_discovery'
  | 'no_mails'
  | 'no_fault_lab'
  | 'no_origin'
  | 'no_relay'
  | 'no_session'
  | 'no_supervisor'
  | 'no_telemetry'
  | 'overloaded'
  | 'proof_under_way'
  | 'refused'
  | 'role_needed'
  | 'sign_in_failed'
  | 'sign_in_needed'
  | 'sign_in_over'
  | 'sign_in_refused'
  | 'unreachable'

const russian: Readonly<Record<ErrorCode | ConsoleCode, string>> = {
  invalid_json: 'запрос — не JSON',
  invalid_request: 'запрос составлен неверно',
  unauthenticated: 'нужно войти',
  invalid_credentials: 'адрес или пароль неверен',
  forbidden: 'на это нет прав',
  user_blocked: 'пользователь заблокирован',
  not_found: 'этого нет или это чужое',
  method_not_allowed: 'так этот адрес не вызывают',
  request_timeout: 'запрос шёл слишком долго',
  conflict: 'сейчас это невозможно',
  email_taken: 'этот адрес уже зарегистрирован',
  order_not_changeable: 'заказ уже нельзя изменить',
  order_not_cancellable: 'заказ уже нельзя отменить',
  version_mismatch: 'с тех пор всё изменилось',
  body_too_large: 'запрос слишком велик',
  target_too_long: 'адрес слишком длинный',
  unsupported_media_type: 'такой вид данных не принимается',
  idempotency_key_reused: 'с этим ключом уже пришёл другой запрос',
  unknown_product: 'такого товара нет',
  duplicate_line: 'товар указан дважды',
  weak_password: 'пароль слишком простой',
  wrong_password: 'текущий пароль указан неверно',
  unknown_user: 'такого пользователя нет',
  invalid_properties: 'таких настроек у приложения нет',
  out_of_stock: 'на складе столько нет',
  payment_declined: 'оплата отклонена',
  too_early: 'запрос мог быть повтором, отправьте его ещё раз',
  too_many_requests: 'слишком много запросов, подождите немного',
  headers_too_large: 'заголовки запроса слишком велики',
  internal: 'внутренняя ошибка',
  bad_gateway: 'сервис ответил непонятно',
  unavailable: 'сервис недоступен, попробуйте ещё раз',
  deadline_exceeded: 'ответ не пришёл вовремя',
  csrf: 'сеанс страницы устарел, загрузите её заново',
  foreign_site: 'запросы с других сайтов не принимаются',
  mail_not_found: 'такого письма больше нет',
  no_discovery: 'в этой системе нет реестра, который виден отсюда',
  no_mails: 'в этой системе нет почтового приёмника',
  invalid_record: 'запись нарушает контракт топика',
  no_assignment: 'списка требований рядом с этой системой нет',
  no_broker: 'в этой системе нет брокера, топики которого видны отсюда',
  no_fault_lab: 'в этой системе нет лаборатории сбоев',
  no_origin: 'неизвестно, какая страница об этом просит',
  no_relay: 'в этой системе нет MC1',
  no_session: 'сеанс страницы закончился, загрузите её заново',
  no_supervisor: 'супервизор недоступен',
  no_telemetry: 'в этой системе нет телеметрии',
  overloaded: 'открыто слишком много страниц или журналов',
  refused: 'супервизор не может этого сделать',
  role_needed: 'для этого нужна роль администратора',
  sign_in_failed: 'войти не получилось, попробуйте ещё раз',
  sign_in_needed: 'сначала войдите',
  sign_in_over: 'вход занял слишком много времени, начните заново',
  sign_in_refused: 'никто не вошёл',
  proof_under_way:
    'сейчас идёт доказательство, второе дело исказило бы его результат: дождитесь конца или остановите его',
  experiment_under_way:
    'сейчас идёт эксперимент лаборатории сбоев, он исказил бы результат: дождитесь конца или остановите его',
  unreachable: 'консоль не отвечает',
}

/** @param error what a request of this page ended with: a refusal, or anything else that was thrown */
export function inEnglish(error: unknown): string {
  return error instanceof Refused ? error.message : String(error)
}

/** As `inEnglish`; of a code that isn't known here the code itself. */
export function inRussian(error: unknown): string {
  if (!(error instanceof Refused)) return 'что-то сломалось на этой странице'
  return Object.hasOwn(russian, error.code) ? russian[error.code as keyof typeof russian] : `код ${error.code}`
}
