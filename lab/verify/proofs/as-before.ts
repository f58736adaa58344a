/**
 * What a proof changes of a running system for a while: settings, the number of instances, what is stopped. Whatever
 * becomes of the proof, each is afterwards as it was before, an operator's own choice too (decision 0106).
 */
import { isDeepStrictEqual } from 'node:util'
import { until } from '@svyaz/observe/until.ts'
import { answerLine } from '../command-line.ts'
import type { Outside } from '../outside.ts'

/** What settings are seen and set by. */
export type Configured = Pick<Outside, 'admin' | 'gateway' | 'goOn' | 'info' | 'instances'>
type Settings = Readonly<Record<string, unknown>>
type Put = (properties: Settings) => Promise<void>
export type Applied = readonly { readonly instance: string; readonly pid: number }[]

/** A request that meets a limit, or a gateway that comes back just now, is sent again. */
const askEveryMs = 500

/** Waits until every instance of an application shows the settings that it should have. */
export async function untilApplied(
  outside: Configured,
  application: string,
  isApplied: (settings: Settings) => boolean,
): Promise<Applied> {
  const views = await outside.instances(application)
  return Promise.all(
    views.map((view) =>
      until(`${view.name} to apply its settings`, async () => {
        const { settings, pid } = await outside.info(view.name)
        return isApplied(settings) && { instance: view.name, pid }
      }),
    ),
  )
}

/**
 * Does some work, and sets these properties back: what the operator had set has its value again, the rest is unset. Ends
 * when every instance has it.
 * @param work is given what sets properties
 */
export async function keepingSettings<T>(
  outside: Configured,
  application: string,
  names: readonly string[],
  work: (put: Put) => Promise<T>,
): Promise<T> {
  const { token } = await outside.admin()
  const ask = (method: 'GET' | 'PUT', body?: object) =>
    until(
      `${method} of the settings of ${application}`,
      async () => {
        const path = `/admin/${application}/embedded`
        const answer = await outside.gateway(method, path, body === undefined ? { token } : { token, body })
        if (answer.status !== 200) throw new Error(answerLine(answer))
        return answer
      },
      { everyMs: askEveryMs },
    )
  const { propertySources } = (await ask('GET')).body
  const own: Settings = propertySources[0]?.source ?? {}
  const [first] = await outside.instances(application)
  const shown: Settings = first === undefined ? {} : (await outside.info(first.name)).settings
  const put = (comment: string) => async (properties: Settings) => void (await ask('PUT', { properties, comment }))
  try {
    return await work(put('svyaz verify'))
  } finally {
    await put('svyaz verify: as before')(Object.fromEntries(names.map((name) => [name, own[name] ?? null])))
    await untilApplied(outside, application, (now) => names.every((name) => isDeepStrictEqual(now[name], shown[name])))
  }
}

/**
 * Does some work while properties have other values, and sets them back.
 * @param work is given the instances that have them
 * @param isApplied when an instance shows more of a value than was set
 * @throws Stopped when the proof is to end
 */
export async function withSettings<T>(
  outside: Configured,
  application: string,
  properties: Settings,
  work: (applied: Applied) => Promise<T>,
  isApplied = (now: Settings) =>
    Object.entries(properties).every(([name, value]) => isDeepStrictEqual(now[name], value)),
): Promise<T> {
  outside.goOn()
  return keepingSettings(outside, application, Object.keys(properties), async (put) => {
    await put(properties)
    return work(await untilApplied(outside, application, isApplied))
  })
}

/**
 * Does some work while a service has at least this many instances.
 * @throws Stopped when the proof is to end
 */
export async function withInstances<T>(
  outside: Pick<Outside, 'goOn' | 'instances' | 'scale'>,
  service: string,
  count: number,
  work: () => Promise<T>,
): Promise<T> {
  outside.goOn()
  const before = (await outside.instances(service)).length
  if (before >= count) return work()
  try {
    await outside.scale(service, count)
    return await work()
  } finally {
    await outside.scale(service, before)
  }
}

/**
 * Does some work with a process stopped, and starts that again.
 * @throws Stopped when the proof is to end
 */
export async function without<T>(
  outside: Pick<Outside, 'act' | 'goOn' | 'untilReady'>,
  service: string,
  work: () => Promise<T>,
): Promise<T> {
  outside.goOn()
  try {
    await outside.act('stop', service)
    return await work()
  } finally {
    await outside.act('start', service)
    await outside.untilReady()
  }
}

/** Does some work that kills processes, which come back by themselves: it ends when they have. */
export async function killing<T>(outside: Pick<Outside, 'untilReady'>, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } finally {
    await outside.untilReady()
  }
}
