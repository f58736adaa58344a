/** Users on a real database, whose time a test may move, and the wall clock of the process beside it. */
import { Failure } from '@svyaz/kit'
import { openDatabase } from '../../../platform/kit/src/database/database.ts'
import { type TestCore, testCore } from '../../../platform/kit/test/core-fixture.ts'
import { movableTime } from '../../../platform/kit/test/database-time.ts'
import { startTestPostgres } from '../../../platform/kit/test/engines.ts'
import { register } from '../src/accounts.ts'
import { type Settings, settings } from '../src/config.ts'
import type { UsersContext } from '../src/context.ts'
import { login } from '../src/login.ts'
import { migrations } from '../src/migrations.ts'
import { createPasswords } from '../src/passwords.ts'
import type { UserRow, UsersSchema } from '../src/storage.ts'

export interface Said {
  type: string
  key: string
  data: { userId: string; version: number } & Record<string, unknown>
}

export interface TestUsers extends AsyncDisposable {
  context: UsersContext
  core: TestCore
  /** Every event that was said. */
  said: Said[]
  /** Time goes by, in the database. */
  pass(ms: number): Promise<void>
  /** The wall clock of the process jumps; nothing else does. */
  jump(ms: number): void
  newUser(): Promise<UserRow>
  /** Default: the right password, from an address of documents. */
  login(email: string, guess?: { password?: string; address?: string; signal?: AbortSignal }): ReturnType<typeof login>
}

export const password = 'correct horse'
export const never = new AbortController().signal
export const refused = (code: string) => (error: unknown) => error instanceof Failure && error.code === code

export const startUsers = async (changed: Partial<Settings> = {}): Promise<TestUsers> => {
  const closing = new AsyncDisposableStack()
  const postgres = closing.use(await startTestPostgres())
  const core = testCore({ service: 'users' })
  const time = closing.use(await movableTime(await postgres.database('users')))
  const database = await openDatabase<UsersSchema>(core, { url: time.url, migrations })
  closing.defer(() => database.close())
  let now = Date.parse('2026-01-02T03:04:05.000Z')
  const current = settings.parse(changed)
  const said: Said[] = []
  const roomy = { atOnceMax: 2, waitingMax: 1_000, waitMsMax: 60_000, retryAfterSeconds: 1 }
  const context = {
    ...core,
    environment: {},
    clock: { ...core.clock, now: () => now, iso: () => new Date(now).toISOString() },
    database,
    passwords: createPasswords(core, roomy),
    settings: { current: () => current, onChange: () => undefined },
    // How it gets onto the topic is the business of the tests of messaging.
    outbox: { add: async (_tx: unknown, ...events: Said[]) => void said.push(...events), wake: () => undefined },
  } as unknown as UsersContext
  let count = 0
  return {
    context,
    core,
    said,
    pass: time.pass,
    jump(ms) {
      now += ms
    },
    newUser: () => register(context, { email: `user${++count}@example.com`, password, name: 'Ada' }, never),
    login: (email, guess = {}) =>
      login(
        context,
        { email, password: guess.password ?? password, address: guess.address ?? '192.0.2.1' },
        guess.signal ?? never,
      ),
    [Symbol.asyncDispose]: () => closing.disposeAsync(),
  }
}
