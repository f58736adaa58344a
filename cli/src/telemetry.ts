/** What the running system's telemetry answers, by the contract of its routes. */
import { type TelemetryReply, telemetryRoutes } from '@svyaz/contracts/telemetry.ts'
import type { Instances } from '@svyaz/system/supervisor/control-client.ts'
import { ask } from './control-client.ts'
import { CliError } from './errors.ts'

const answerWithinMs = 15_000

type Asked = Readonly<Record<string, string | number | boolean | readonly string[] | undefined>>

/**
 * Asks the telemetry of the system on this home.
 * @param query what is undefined is left out; a list is repeated
 * @throws CliError when it does not run, does not answer, or refuses: with its reason
 */
export async function askTelemetry<Name extends keyof typeof telemetryRoutes>(
  home: string,
  name: Name,
  query: Asked = {},
  traceId = '',
): Promise<TelemetryReply<Name>> {
  const { instances } = await ask<Instances>(home, 'GET', '/instances')
  const port = instances.find(({ service }) => service === 'telemetry')?.ports.otlp
  if (port === undefined) throw new CliError('the telemetry does not run: traces, logs, metrics and levels are its')
  const url = new URL(`http://127.0.0.1:${port}${telemetryRoutes[name].path.replace('{traceId}', traceId)}`)
  for (const [key, value] of Object.entries(query)) {
    if (value === undefined) continue
    for (const one of Array.isArray(value) ? value : [value]) url.searchParams.append(key, String(one))
  }
  let answer: Response
  try {
    answer = await fetch(url, { signal: AbortSignal.timeout(answerWithinMs) })
  } catch (error) {
    throw new CliError('the telemetry does not answer: `npx svyaz ps` shows its state', { cause: error })
  }
  if (answer.ok) return (await answer.json()) as TelemetryReply<Name>
  throw new CliError(`the telemetry answers ${answer.status}: ${await reasonOf(answer)}`)
}

async function reasonOf(answer: Response): Promise<string> {
  const text = await answer.text()
  try {
    const { detail, title } = JSON.parse(text) as { detail?: string; title?: string }
    return detail ?? title ?? text
  } catch {
    return text
  }
}
