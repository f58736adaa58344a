/**
 * Everything the embedded PostgreSQL is told, as data. The values go on its command line, where they
 * win over postgresql.conf and over ALTER SYSTEM, so a data directory can't carry an unsafe setting
 * from one start to the next.
 */

/** What makes a commit that was answered survive a crash: asserted by query at every boot (rules of durability). */
export const durableSettings = {
  fsync: 'on',
  synchronous_commit: 'on',
  full_page_writes: 'on',
} as const

/** Sized for a laptop or a two-core machine that runs the whole system beside its database. */
const smallMachineSettings = {
  shared_buffers: '64MB',
  max_connections: '200',
  work_mem: '4MB',
  maintenance_work_mem: '32MB',
  jit: 'off',
  huge_pages: 'off',
  // Worker processes for asynchronous reads, parallel plans and logical replication would each cost
  // memory at rest, and nothing here uses them.
  io_method: 'sync',
  max_parallel_workers_per_gather: '0',
  max_logical_replication_workers: '0',
  autovacuum_max_workers: '2',
  autovacuum_naptime: '30s',
  min_wal_size: '64MB',
  max_wal_size: '512MB',
  checkpoint_timeout: '5min',
  // A client that vanished must not hold its locks for the two hours of TCP's own patience.
  tcp_keepalives_idle: '30',
  tcp_keepalives_interval: '5',
  tcp_keepalives_count: '3',
  client_connection_check_interval: '5s',
} as const

/**
 * Before it recovers from a crash, PostgreSQL has everything written that was only cached: file by file, some 3,000 of
 * them, or with one call where there is one. Linux reports a write that failed there since 5.8.
 */
const recoverySettings = process.platform === 'linux' ? { recovery_init_sync_method: 'syncfs' } : {}

const loggingSettings = {
  log_destination: 'stderr',
  logging_collector: 'off',
  log_timezone: 'UTC',
  timezone: 'UTC',
  log_line_prefix: '%m [%p] %q%u@%d ',
  log_checkpoints: 'off',
  log_connections: '',
  // Instances that wait to lead wait on an advisory lock for as long as another leads: that is not news.
  log_lock_waits: 'off',
  // Statements may carry passwords (CREATE ROLE …) and personal data: only slow ones, never on error.
  log_min_error_statement: 'panic',
  log_parameter_max_length: '0',
} as const

/**
 * The command line of `postgres`.
 *
 * @param listen where to listen: loopback address and TCP port; there is no Unix socket, so no path
 *   length limit and nothing left in /tmp.
 */
export function postgresArguments(dataDirectory: string, listen: { host: string; port: number }): string[] {
  const settings = {
    ...durableSettings,
    ...smallMachineSettings,
    ...recoverySettings,
    ...loggingSettings,
    listen_addresses: listen.host,
    port: String(listen.port),
    unix_socket_directories: '',
    password_encryption: 'scram-sha-256',
  }
  return ['-D', dataDirectory, ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])]
}

/**
 * The arguments of `initdb`. The built-in C.UTF-8 locale comes with PostgreSQL itself, so sort order
 * depends neither on the machine's libc nor on the ICU that happens to be there.
 */
export function initdbArguments(dataDirectory: string, passwordFile: string): string[] {
  return [
    `--pgdata=${dataDirectory}`,
    '--username=postgres',
    `--pwfile=${passwordFile}`,
    '--auth=scram-sha-256',
    '--encoding=UTF8',
    '--locale=C',
    '--locale-provider=builtin',
    '--builtin-locale=C.UTF-8',
    '--data-checksums',
    '--no-instructions',
  ]
}

/** Host-based authentication: passwords over loopback TCP, and nothing else at all. */
export const hostBasedAuthentication = `# Written by svyaz at each start.
# TYPE  DATABASE  USER  ADDRESS        METHOD
host    all       all   127.0.0.1/32   scram-sha-256
host    all       all   ::1/128        scram-sha-256
`
