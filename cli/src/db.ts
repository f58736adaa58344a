/**
 * `svyaz db`: a service's own database, as the service's own role: its tables, read and written, and no other's. On a
 * stopped system PostgreSQL alone is started on the data, and stopped again.
 */
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { checkoutAt } from '@svyaz/system/checkout.ts'
import type { Instances } from '@svyaz/system/supervisor/control-client.ts'
import { startPostgresAlone } from '@svyaz/system/supervisor/postgres-alone.ts'
import { type ServiceAccess, serviceAccess } from '@svyaz/system/supervisor/service-access.ts'
import { databaseOf, topology } from '@svyaz/system/topology'
import type { Invocation } from './command.ts'
import { ask, assertKnown, supervisorOn } from './control-client.ts'
import { CliError, exitCodes, UsageError } from './errors.ts'
import { findProgram } from './find-program.ts'
import { runSql, sizeOf } from './sql.ts'
import { sizeText, table } from './terminal.ts'

/**
 * `svyaz db <service>`: psql, or one statement, on a service's database.
 * @returns the exit code
 */
export async function db(invocation: Invocation): Promise<number> {
  const { positionals, flags, rest, config, terminal } = invocation
  const names = topology.processes.flatMap((process) => databaseOf(process) ?? [])
  const [service] = positionals
  if (service !== undefined) assertKnown('database', [service], names)
  else if (flags.url || flags.command !== undefined || rest.length > 0)
    throw new UsageError('name a service: svyaz db <service>')
  if (service !== undefined && flags.url && supervisorOn(config.home) === undefined) {
    throw new CliError('nothing listens while the system is stopped: start it first, or use `svyaz db` without --url')
  }

  await using server = await openServer(invocation)
  const access = serviceAccess(config.home, topology, server.port)
  if (service === undefined) return await listDatabases(names, access, invocation)
  const url = access.url(service)
  if (flags.url) {
    terminal.print(url)
    return exitCodes.ok
  }
  if (typeof flags.command === 'string') return await runSql(url, flags.command, invocation)
  const psql = findProgram('psql', config.environment)
  if (psql) return await runPsql(psql, access, service, invocation)
  if (rest.length > 0) throw new CliError('psql is not installed, and what follows -- is for psql; use -c <sql>')
  if (!process.stdin.isTTY) return await runSql(url, await readInput(), invocation)
  terminal.print(url)
  terminal.complain(
    [
      'psql is not installed. Give this connection string to any PostgreSQL client, or ask here:',
      `  npx svyaz db ${service} -c "select * from pg_tables where schemaname = 'public'"`,
    ].join('\n'),
  )
  return exitCodes.ok
}

interface Server extends AsyncDisposable {
  readonly port: number
}

async function openServer({ config, terminal }: Invocation): Promise<Server> {
  if (supervisorOn(config.home)) {
    const { instances } = await ask<Instances>(config.home, 'GET', '/instances')
    const postgres = instances.find((instance) => instance.service === 'postgres')
    if (postgres?.ports.sql === undefined) throw new CliError('PostgreSQL is not part of the running system')
    if (postgres.status !== 'ready')
      throw new CliError(`PostgreSQL is ${postgres.status}: \`npx svyaz start postgres\``)
    return { port: postgres.ports.sql, [Symbol.asyncDispose]: async () => {} }
  }
  const logs = mkdtempSync(join(tmpdir(), 'svyaz-db-'))
  if (process.stderr.isTTY) terminal.complain('The system is stopped: starting PostgreSQL alone …')
  const engine = await startPostgresAlone(config.home, checkoutAt(config.root), topology, join(logs, 'postgres.log'))
  if (!engine) throw new CliError(`nothing was ever started on ${config.home}: there are no databases yet`)
  return {
    port: engine.port,
    async [Symbol.asyncDispose]() {
      await engine[Symbol.asyncDispose]()
      rmSync(logs, { recursive: true, force: true })
    },
  }
}

async function listDatabases(
  names: readonly string[],
  access: ServiceAccess,
  { terminal, flags }: Invocation,
): Promise<number> {
  const sizes = await Promise.all(names.map((name) => sizeOf(access.url(name))))
  const rows = names.map((name, at) => ({ service: name, bytes: sizes[at]?.bytes, tables: sizes[at]?.tables }))
  if (flags.json) terminal.json({ host: '127.0.0.1', port: access.port, databases: rows })
  else {
    const head = ['DATABASE', 'TABLES', 'SIZE', ''].map((title) => terminal.paint('dim', title))
    const cells = rows.map(({ service, bytes, tables }) => [
      service,
      String(tables ?? '?'),
      bytes === undefined ? '?' : sizeText(bytes),
      terminal.paint('dim', `npx svyaz db ${service}`),
    ])
    for (const line of table([head, ...cells])) terminal.print(line)
  }
  return exitCodes.ok
}

/** The password goes by the environment: a command line is everybody's to read. */
function runPsql(psql: string, access: ServiceAccess, service: string, { rest, config }: Invocation): Promise<number> {
  const child = spawn(psql, [...rest], {
    stdio: 'inherit',
    env: {
      ...config.environment,
      PGHOST: '127.0.0.1',
      PGPORT: String(access.port),
      PGUSER: service,
      PGPASSWORD: access.password(service),
      PGDATABASE: service,
      PGAPPNAME: 'svyaz-db',
    },
  })
  // Ctrl-C is psql's: there it ends a query, not the session.
  const ignore = () => {}
  process.on('SIGINT', ignore)
  const pass = (signal: NodeJS.Signals) => child.kill(signal)
  for (const signal of ['SIGTERM', 'SIGHUP'] as const) process.on(signal, pass)
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code) => {
      process.off('SIGINT', ignore)
      for (const signal of ['SIGTERM', 'SIGHUP'] as const) process.off(signal, pass)
      resolve(code === 0 ? exitCodes.ok : exitCodes.failed)
    })
  })
}

async function readInput(): Promise<string> {
  let text = ''
  for await (const chunk of process.stdin.setEncoding('utf8')) text += chunk
  return text
}
