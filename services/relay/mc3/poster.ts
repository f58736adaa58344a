/** Posts to MC1 over kept-alive connections to wherever discovery says it is. */
import { returnMessages } from '@svyaz/contracts/http/relay.ts'
import { type Context, Failure } from '@svyaz/kit'
import { Pool } from 'undici'
import { limits } from './config.ts'
import type { Forward } from './forward.ts'

export interface Poster extends AsyncDisposable {
  /** Resolves when MC1 has stored it. @throws Failure with what MC1 answered, or `unavailable` */
  post(forward: Forward): Promise<void>
}

/** Posts to MC1, over a connection that is kept while its address holds. */
export const createPoster = ({ discovery, signer }: Context<unknown>): Poster => {
  let pool: Pool | undefined
  let poolOrigin = ''

  const poolOf = (origin: string): Pool => {
    if (pool && poolOrigin === origin) return pool
    pool?.close().catch(() => undefined)
    poolOrigin = origin
    pool = new Pool(origin, {
      connections: 2,
      pipelining: 1,
      connectTimeout: limits.connectTimeoutMs,
      headersTimeout: limits.answerTimeoutMs,
      bodyTimeout: limits.answerTimeoutMs,
    })
    return pool
  }

  return {
    async post({ body, headers }) {
      const picked = discovery.pick('mc1')
      const port = picked?.instance.ports.http
      if (!picked || port === undefined) throw new Failure('unavailable', 'no instance of mc1 is known')
      const { host } = picked.instance
      const target = poolOf(`http://${host.includes(':') ? `[${host}]` : host}:${port}`)
      try {
        const { statusCode, body: answer } = await target.request({
          method: 'POST',
          path: returnMessages.path,
          headers: {
            ...headers,
            'content-type': 'application/json',
            authorization: `Bearer ${await signer.serviceToken('mc1')}`,
          },
          body,
        })
        if (statusCode < 300) {
          await answer.dump()
          return picked.done('ok')
        }
        throw failureOf(statusCode, await answer.text())
      } catch (error) {
        picked.done(error instanceof Failure && error.status < 500 ? 'ok' : 'failed')
        if (error instanceof Failure) throw error
        throw new Failure('unavailable', 'MC1 is not reachable', { cause: error })
      }
    },
    async [Symbol.asyncDispose]() {
      await pool?.destroy()
    },
  }
}

/** What MC1 will never take is `invalid_request`; all else may be tried again. */
const failureOf = (status: number, text: string): Failure =>
  [400, 413, 415, 422].includes(status)
    ? new Failure('invalid_request', `MC1 answered ${status}: ${text.slice(0, 500)}`)
    : new Failure('unavailable', `MC1 answered ${status}`)
