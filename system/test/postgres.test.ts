import assert from 'node:assert/strict'
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { after, before, describe, test } from 'node:test'
import { Client } from 'pg'
import { until } from '../../lab/observe/until.ts'
import { type PostgresEngine, startPostgres } from '../src/postgres/index.ts'
import { isAlive } from '../src/postgres/predecessor.ts'

const amRoot = process.getuid?.() === 0
const nobody = { uid: 65_534, gid: 65_534 }
const ownerFile = join(import.meta.dirname, 'postgres-owner.ts')

/** A directory with a space and Cyrillic in its name; PostgreSQL's own account may enter it unless `mode` forbids. */
class Sandbox implements Disposable {
  readonly root: string
  readonly places = new Set<string>()

  constructor(mode = 0o755) {
    this.root = mkdtempSync(join(tmpdir(), 'свяzь postgres '))
    chmodSync(this.root, mode)
  }

  get directory() {
    return join(this.root, 'postgres')
  }

  get log() {
    return join(this.root, 'postgres.log')
  }

  async start(port = 0): Promise<PostgresEngine> {
    const engine = await startPostgres({ directory: this.directory, port, host: '127.0.0.1', log: this.log })
    this.places.add(engine.where)
    return engine
  }

  [Symbol.dispose]() {
    for (const place of [this.root, ...this.places]) rmSync(place, { recursive: true, force: true, maxRetries: 5 })
  }
}

async function query(url: string, text: string): Promise<Record<string, unknown>[]> {
  const client = new Client({ connectionString: url, connectionTimeoutMillis: 5_000 })
  client.on('error', () => {})
  await client.connect()
  try {
    return (await client.query(text)).rows
  } finally {
    await client.end()
  }
}

interface Owner {
  child: ChildProcess
  line(): Promise<string>
}

interface Owned {
  pid: number
  adminUrl: string
  where: string
  account?: string
}

function own(directory: string, as: { uid: number; gid: number } | Record<string, never> = {}): Owner {
  const child = spawn(process.execPath, [ownerFile, directory], {
    ...as,
    detached: true,
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  return {
    child,
    async line() {
      const next = await lines.next()
      assert.ok(!next.done, 'the owner of PostgreSQL ended early')
      return next.value
    },
  }
}

async function ready(owner: Owner): Promise<Owned> {
  return JSON.parse(await owner.line()) as Owned
}

const orders = { name: 'orders', role: 'orders', password: "o'rders \\ pass" }
const payments = { name: 'payments', role: 'payments', password: 'pay@ments/%' }

describe('PostgreSQL under the supervisor', () => {
  const sandbox = new Sandbox()
  let engine: PostgresEngine

  before(async () => {
    engine = await sandbox.start()
    await engine.ensureDatabases([orders, payments])
  })
  after(async () => {
    await engine.stop()
    sandbox[Symbol.dispose]()
  })

  test('commits are durable, pages have checksums, text is UTF-8 sorted the same on every machine', async () => {
    const [row] = await query(
      engine.adminUrl,
      `SELECT current_setting('fsync') AS fsync, current_setting('synchronous_commit') AS commit,
              current_setting('full_page_writes') AS pages, current_setting('data_checksums') AS checksums,
              current_setting('server_encoding') AS encoding, current_setting('listen_addresses') AS listens,
              (SELECT datlocprovider::text || datlocale FROM pg_database WHERE datname = 'orders') AS locale,
              upper('связь') AS upper`,
    )
    assert.deepEqual(row, {
      fsync: 'on',
      commit: 'on',
      pages: 'on',
      checksums: 'on',
      encoding: 'UTF8',
      listens: '127.0.0.1',
      locale: 'bC.UTF-8',
      upper: 'СВЯЗЬ',
    })
  })

  test('a role owns its database and has no rights beyond', async () => {
    await query(engine.url(orders), 'CREATE TABLE kept (id int); INSERT INTO kept VALUES (1)')
    const [role] = await query(
      engine.adminUrl,
      `SELECT rolsuper, rolcreatedb, rolcreaterole, rolreplication, rolbypassrls FROM pg_roles WHERE rolname = 'orders'`,
    )
    assert.deepEqual(new Set(Object.values(role ?? {})), new Set([false]))
  })

  test("a role can't connect to another's database, nor to the administrative ones", async () => {
    for (const database of ['payments', 'postgres', 'template1']) {
      const url = engine.url(orders).replace(/[^/]*$/, database)
      await assert.rejects(query(url, 'SELECT 1'), { code: '42501' }, database)
    }
  })

  test('a wrong password is refused', async () => {
    await assert.rejects(query(engine.url({ ...orders, password: 'guess' }), 'SELECT 1'), { code: '28P01' })
  })

  test('doing it again keeps the data and takes a changed password', async () => {
    const changed = { ...orders, password: 'changed' }
    await engine.ensureDatabases([changed, payments])
    assert.deepEqual(await query(engine.url(changed), 'SELECT id FROM kept'), [{ id: 1 }])
    await assert.rejects(query(engine.url(orders), 'SELECT 1'), { code: '28P01' })
    await engine.ensureDatabases([orders, payments])
  })

  test("the superuser's password is in a file for its owner alone", () => {
    assert.equal(statSync(join(engine.where, 'password')).mode & 0o777, 0o600)
    assert.equal(statSync(engine.where).mode & 0o077, 0)
  })

  test('passwords do not reach the log', () => {
    const log = readFileSync(sandbox.log, 'utf8')
    for (const { password } of [orders, payments]) assert.ok(!log.includes(password))
  })

  test('a second owner is refused and told the first one', async () => {
    const second = spawn(process.execPath, [ownerFile, sandbox.directory], { stdio: ['pipe', 'ignore', 'pipe'] })
    let said = ''
    second.stderr.on('data', (chunk) => {
      said += chunk
    })
    const [status] = await once(second, 'close')
    assert.equal(status, 1)
    assert.match(said, new RegExp(`in use by process ${process.pid}`))
    await query(engine.adminUrl, 'SELECT 1')
  })

  test('kill −9 of the server is reported, and the next start recovers what was committed', async () => {
    await query(engine.url(orders), 'INSERT INTO kept VALUES (2)')
    process.kill(engine.pid, 'SIGKILL')
    assert.deepEqual(await engine.exited, { status: 137, expected: false })
    engine = await sandbox.start()
    assert.deepEqual(await query(engine.url(orders), 'SELECT id FROM kept ORDER BY id'), [{ id: 1 }, { id: 2 }])
  })

  test('stops on request and starts again on the same port', async () => {
    const { port } = engine
    await engine.stop()
    assert.deepEqual(await engine.exited, { status: 0, expected: true })
    await engine.stop()
    engine = await sandbox.start(port)
    assert.equal(engine.port, port)
    assert.deepEqual(await query(engine.url(orders), 'SELECT count(*)::int AS n FROM kept'), [{ n: 2 }])
  })

  test("a recorded process id that is now somebody else's does not hinder the start", async () => {
    await engine.stop()
    const stranger = spawn('sleep', ['60'])
    try {
      writeFileSync(
        join(engine.where, 'data', 'postmaster.pid'),
        `${stranger.pid}\n${engine.where}/data\n1\n5432\n\n127.0.0.1\n         0         0\nready\n`,
      )
      engine = await sandbox.start()
      assert.ok(stranger.pid && isAlive(stranger.pid))
    } finally {
      stranger.kill()
    }
  })

  test('a taken port is named', async () => {
    const port = engine.port
    await engine.stop()
    const squatter = createServer().listen(port, '127.0.0.1')
    await once(squatter, 'listening')
    try {
      await assert.rejects(sandbox.start(port), { message: new RegExp(`port ${port} .* is taken`) })
    } finally {
      squatter.close()
    }
    engine = await sandbox.start()
  })

  test('refuses to listen beyond loopback', async () => {
    await assert.rejects(
      startPostgres({ directory: sandbox.directory, port: 0, host: '0.0.0.0', log: sandbox.log }),
      /loopback only/,
    )
  })
})

describe('PostgreSQL and its owner', () => {
  test('kill −9 of the owner ends the server', async () => {
    using sandbox = new Sandbox()
    const owner = own(sandbox.directory)
    const { pid, where } = await ready(owner)
    sandbox.places.add(where)
    owner.child.kill('SIGKILL')
    await until('the server to end', () => !isAlive(pid))
    assert.ok(!existsSync(join(where, 'data', 'postmaster.pid')), 'it shut down and did not just die')
  })

  test('Ctrl-C on the terminal reaches the owner and not the server', async () => {
    using sandbox = new Sandbox()
    const owner = own(sandbox.directory)
    const { pid, adminUrl, where } = await ready(owner)
    sandbox.places.add(where)
    process.kill(-(owner.child.pid ?? assert.fail()), 'SIGINT')
    assert.equal(await owner.line(), 'interrupted')
    await query(adminUrl, 'SELECT 1')
    owner.child.stdin?.end()
    await once(owner.child, 'exit')
    assert.ok(!isAlive(pid))
  })

  test('a server that lost owner and guard is stopped by the next start', {
    skip: existsSync('/proc/self/stat') ? false : 'finds the guard through /proc',
  }, async () => {
    using sandbox = new Sandbox()
    const owner = own(sandbox.directory)
    const { pid, where } = await ready(owner)
    sandbox.places.add(where)
    // The guard leads a session of its own: stopping its group first means that it can't act on the owner's end.
    const guard = Number(readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ')[1])
    for (const member of guardShells(guard)) process.kill(member, 'SIGKILL')
    owner.child.kill('SIGKILL')
    await once(owner.child, 'exit')
    assert.ok(isAlive(pid), 'nobody is left to stop it')
    await using engine = await sandbox.start()
    assert.notEqual(engine.pid, pid)
    assert.ok(!isAlive(pid))
  })

  test("a folder that the server's account can't enter: data goes elsewhere, and a deleted folder starts afresh", {
    skip: amRoot ? false : 'only root runs PostgreSQL as another account',
  }, async () => {
    using sandbox = new Sandbox(0o700)
    {
      await using engine = await sandbox.start()
      assert.match(engine.where, /^\/var\/lib\/svyaz\/[0-9a-f]{16}$/)
      await engine.ensureDatabases([orders])
    }
    {
      await using engine = await sandbox.start()
      const [row] = await query(engine.adminUrl, "SELECT count(*)::int AS n FROM pg_database WHERE datname = 'orders'")
      assert.deepEqual(row, { n: 1 })
    }
    rmSync(sandbox.directory, { recursive: true })
    await using engine = await sandbox.start()
    sandbox.places.add(`${engine.where}.previous`)
    const [row] = await query(engine.adminUrl, "SELECT count(*)::int AS n FROM pg_database WHERE datname = 'orders'")
    assert.deepEqual(row, { n: 0 })
  })

  test('an ordinary user needs no other account', { skip: whyNotAsNobody() }, async () => {
    using sandbox = new Sandbox()
    mkdirSync(sandbox.directory)
    for (const path of [sandbox.root, sandbox.directory]) chownSync(path, nobody.uid, nobody.gid)
    const owner = own(sandbox.directory, nobody)
    const { where, account } = await ready(owner)
    assert.equal(where, sandbox.directory)
    assert.equal(account, undefined)
    owner.child.stdin?.end()
    const [status] = await once(owner.child, 'exit')
    assert.equal(status, 0)

    // Root starts once in between: as the owner of the data, who can start again afterwards.
    {
      await using engine = await sandbox.start()
      assert.equal(engine.where, sandbox.directory)
      assert.equal(statSync(join(engine.where, 'data')).uid, nobody.uid)
      await assert.rejects(sandbox.start(), /already runs PostgreSQL/)
      await query(engine.adminUrl, 'SELECT 1')
    }
    chownSync(sandbox.log, nobody.uid, nobody.gid)
    const again = own(sandbox.directory, nobody)
    await ready(again)
    again.child.stdin?.end()
    await once(again.child, 'exit')
  })

  test("another user's data is refused with a sentence", { skip: whyNotAsNobody() }, async () => {
    using sandbox = new Sandbox()
    mkdirSync(sandbox.directory, { mode: 0o700 })
    const child = spawn(process.execPath, [ownerFile, sandbox.directory], {
      ...nobody,
      stdio: ['ignore', 'ignore', 'pipe'],
    })
    let said = ''
    child.stderr.on('data', (chunk) => {
      said += chunk
    })
    await once(child, 'close')
    assert.match(said, /belongs to another user: start as that user/)
  })
})

function whyNotAsNobody(): string | false {
  if (!amRoot) return 'every other test already runs as an ordinary user'
  const reach = spawnSync(process.execPath, ['--check', ownerFile], { ...nobody, cwd: '/', stdio: 'ignore' })
  return reach.status === 0 ? false : 'the checkout lies where an ordinary user may not enter'
}

/** The guard and its watcher: the shells of its session. */
function guardShells(guard: number): number[] {
  const children = readFileSync(`/proc/${guard}/task/${guard}/children`, 'utf8').trim().split(' ').map(Number)
  return [guard, ...children.filter((pid) => readFileSync(`/proc/${pid}/comm`, 'utf8').trim() === 'sh')]
}
