/** Keycloak with the realm of deploy/keycloak: at `SVYAZ_TEST_KEYCLOAK_URL`, or started where it is installed. */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Engine, enginesHome, freePorts, startEngine } from './engine.ts'

const program = () => join(enginesHome(), 'keycloak', 'home', 'bin', 'kc.sh')

/** The reason to skip, as node:test takes it. */
export const withoutKeycloak = (): string | false =>
  process.env.SVYAZ_TEST_KEYCLOAK_URL === undefined &&
  !existsSync(program()) &&
  'Keycloak is not installed, and SVYAZ_TEST_KEYCLOAK_URL names none (docs/engines.md says how)'

export interface TestKeycloak extends AsyncDisposable {
  /** For SVYAZ_IDENTITY_PROVIDER: the issuer with the credentials of the client that introspects. */
  readonly address: string
  /** Makes a user who may sign in. @returns the id there */
  addUser(user: { name: string; email: string; password: string; roles: readonly string[] }): Promise<string>
  /** Ends every session of the user. */
  signOut(userId: string): Promise<void>
}

const secret = 'a secret of this test alone'

/** @param consoleUrl where the console is: the realm sends users back to that place alone */
export async function startTestKeycloak(consoleUrl: string): Promise<TestKeycloak> {
  const given = process.env.SVYAZ_TEST_KEYCLOAK_URL
  const started = given === undefined ? await start() : undefined
  const admin = new Admin(given ?? started!.url)
  await admin.ask('DELETE', '/svyaz', undefined, [204, 404])
  const realm = readFileSync(join(import.meta.dirname, '../../../deploy/keycloak/svyaz-realm.json'), 'utf8')
  const values: Record<string, string> = { SVYAZ_CONSOLE_URL: consoleUrl, SVYAZ_USERS_CLIENT_SECRET: secret }
  const filled = realm.replaceAll(/\$\{(\w+)\}/g, (_, name: string) => values[name] ?? '')
  await admin.ask('POST', '', JSON.parse(filled), [201])
  const issuer = new URL(`${admin.url}/realms/svyaz`)
  issuer.username = 'svyaz-users'
  issuer.password = encodeURIComponent(secret)
  return {
    address: issuer.href,
    async addUser({ name, email, password, roles }) {
      const [firstName = name, lastName = 'Test'] = name.split(' ')
      const location = await admin.ask(
        'POST',
        '/svyaz/users',
        {
          username: email,
          email,
          emailVerified: true,
          enabled: true,
          firstName,
          lastName,
          credentials: [{ type: 'password', value: password, temporary: false }],
        },
        [201],
      )
      const id = location.headers.get('location')?.split('/').at(-1) ?? ''
      const known = (await (await admin.ask('GET', '/svyaz/roles', undefined, [200])).json()) as { name: string }[]
      const wanted = known.filter((role) => roles.includes(role.name))
      await admin.ask('POST', `/svyaz/users/${id}/role-mappings/realm`, wanted, [204])
      return id
    },
    async signOut(userId) {
      await admin.ask('POST', `/svyaz/users/${userId}/logout`, undefined, [204])
    },
    async [Symbol.asyncDispose]() {
      await admin.ask('DELETE', '/svyaz', undefined, [204, 404]).catch(() => undefined)
      await started?.engine[Symbol.asyncDispose]()
    },
  }
}

/** The administration API, as the bootstrap administrator; its tokens live a minute, so each request has its own. */
class Admin {
  readonly url: string
  readonly #credentials: { username: string; password: string }

  constructor(address: string) {
    const { origin, username, password } = new URL(address)
    this.url = origin
    this.#credentials = { username: username || 'admin', password: password || 'admin' }
  }

  async ask(method: string, path: string, body: unknown, expected: readonly number[]): Promise<Response> {
    const form = { grant_type: 'password', client_id: 'admin-cli', ...this.#credentials }
    const token = await fetch(`${this.url}/realms/master/protocol/openid-connect/token`, {
      method: 'POST',
      body: new URLSearchParams(form),
    })
    const { access_token: accessToken } = (await token.json()) as { access_token: string }
    const answer = await fetch(`${this.url}/admin/realms${path}`, {
      method,
      headers: { authorization: `Bearer ${accessToken}`, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    if (!expected.includes(answer.status))
      throw new Error(`Keycloak: ${method} ${path} answered ${answer.status}: ${await answer.text()}`)
    return answer
  }
}

async function start(): Promise<{ engine: Engine; url: string }> {
  const [http, management] = await freePorts(2)
  const url = `http://127.0.0.1:${http}`
  const engine = await startEngine({
    name: 'keycloak',
    file: program(),
    args: (directory) => [
      'start-dev',
      '--http-host=127.0.0.1',
      `--http-port=${http}`,
      `--http-management-port=${management}`,
      // Keycloak's change log names a column VALUE, which H2 reserves unless it is told.
      `--db-url=jdbc:h2:file:${join(directory, 'h2')};NON_KEYWORDS=VALUE`,
    ],
    env: {
      KC_BOOTSTRAP_ADMIN_USERNAME: 'admin',
      KC_BOOTSTRAP_ADMIN_PASSWORD: 'admin',
      JAVA_OPTS_KC_HEAP: '-Xms256m -Xmx512m',
    },
    ready: async () => (await fetch(`${url}/realms/master`)).ok,
    timeoutMs: 240_000,
  })
  return { engine, url }
}
