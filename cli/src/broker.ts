/** The broker that a command talks to: the running system's, or any that `--bootstrap` names. */
import type { Operator } from '@svyaz/kit/operator'
import type { Instances } from '@svyaz/system/supervisor/control-client.ts'
import type { Invocation } from './command.ts'
import { ask } from './control-client.ts'
import { CliError, UsageError } from './errors.ts'

/** Runs with a connection to the broker; what the client complains of becomes one sentence. */
export async function withBroker<T>(invocation: Invocation, use: (operator: Operator) => Promise<T>): Promise<T> {
  const bootstrap = await addresses(invocation)
  const { openOperator } = await import('@svyaz/kit/operator')
  const silent = () => {}
  const log = { debug: silent, info: silent, warn: silent, error: silent, child: () => log }
  const operator = openOperator({ bootstrap, name: 'svyaz-cli', log })
  try {
    return await use(operator)
  } catch (error) {
    throw unreachable(error, bootstrap) ?? error
  } finally {
    await operator[Symbol.asyncDispose]()
  }
}

/** @throws UsageError for what is not an address, CliError when the running system has no broker and none is named. */
export async function addresses({ flags, config }: Invocation): Promise<string[]> {
  if (typeof flags.bootstrap === 'string') {
    const list = flags.bootstrap.split(',')
    const wrong = list.find((address) => !/^[^\s:/]+:\d{1,5}$|^\[[0-9a-f:]+\]:\d{1,5}$/i.test(address))
    if (wrong !== undefined) throw new UsageError(`--bootstrap takes host:port, not "${wrong}"`)
    return list
  }
  const { instances } = await ask<Instances>(config.home, 'GET', '/instances')
  const port = instances.find((instance) => instance.service === 'broker')?.ports.kafka
  if (port === undefined) throw new CliError('the running system has no broker; name one with --bootstrap <host:port>')
  return [`127.0.0.1:${port}`]
}

function unreachable(error: unknown, bootstrap: readonly string[]): CliError | undefined {
  if (!((error as { code?: string }).code ?? '').startsWith('PLT_KFK_')) return undefined
  const reasons = [...new Set(causesOf(error as Error))].slice(0, 3)
  return new CliError(`the broker at ${bootstrap.join(', ')} did not do it: ${reasons.join('; ')}`)
}

/** The client wraps what went wrong several times over: only the innermost says it. */
function causesOf(error: Error & { readonly errors?: readonly Error[] }): string[] {
  const inner = [...(error.errors ?? []), ...(error.cause instanceof Error ? [error.cause] : [])]
  return inner.length === 0 ? [error.message] : inner.flatMap(causesOf)
}
