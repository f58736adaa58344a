import assert from 'node:assert/strict'
import { test } from 'node:test'
import { topology } from '../../topology.ts'
import { type Installation, tell } from './environment.ts'

const place: Installation = {
  home: '/data/.svyaz',
  host: '127.0.0.1',
  advertisedHost: '127.0.0.1',
  port: (process, port) => topology.processes.find((row) => row.name === process)?.ports[port]?.fixed ?? 21_000,
  has: () => true,
  keyFile: (service) => `/data/.svyaz/keys/${service}.json`,
  jwksFile: '/data/.svyaz/keys/jwks.json',
  password: () => 'p@ss/word',
  certificate: { certificate: '/data/.svyaz/keys/tls/gateway.pem', key: '/data/.svyaz/keys/tls/gateway-key.pem' },
  dataDirectory: (process) => `/data/.svyaz/${process}`,
  places: {
    'control-socket': '/data/.svyaz/control/socket',
    'page-cache': '/data/.svyaz/pages',
    authority: '/data/.svyaz/keys/tls/authority.pem',
    logs: '/data/.svyaz/logs',
    'service-keys': '/data/.svyaz/keys/jwks.json',
  },
  extra: {},
}
const row = (name: string) => topology.processes.find((process) => process.name === name)!

test('a kit process is told everything by variables', () => {
  const { argv, env } = tell(row('payments'), 'payments-2', { http: 1, grpc: 2, management: 3 }, place)
  assert.deepEqual(argv, [])
  assert.deepEqual(env, {
    SVYAZ_PROFILE: 'embedded',
    SVYAZ_SERVICE: 'payments',
    SVYAZ_INSTANCE: 'payments-2',
    SVYAZ_HOME: '/data/.svyaz',
    SVYAZ_HOST: '127.0.0.1',
    SVYAZ_ADVERTISED_HOST: '127.0.0.1',
    SVYAZ_HTTP_PORT: '1',
    SVYAZ_GRPC_PORT: '2',
    SVYAZ_MANAGEMENT_PORT: '3',
    SVYAZ_DISCOVERY_URL: 'http://127.0.0.1:8500',
    SVYAZ_CONFIG_URL: 'http://127.0.0.1:8888',
    SVYAZ_KAFKA_BROKERS: '127.0.0.1:9092',
    SVYAZ_DATABASE_URL: 'postgres://payments:p%40ss%2Fword@127.0.0.1:54329/payments',
    SVYAZ_OTLP_URL: 'http://127.0.0.1:4318',
    SVYAZ_KEY_FILE: '/data/.svyaz/keys/payments.json',
    SVYAZ_JWKS_FILE: '/data/.svyaz/keys/jwks.json',
    SVYAZ_CREATE_TOPICS: '1',
    SVYAZ_CRASH_POINTS: '',
    SVYAZ_STOP_ON_STDIN_END: '1',
    SVYAZ_PROCESSOR_URL: 'http://127.0.0.1:21000',
  })
})

test('the gateway has a certificate and no database, and crash points are passed through', () => {
  const extra = { SVYAZ_CRASH_POINTS: 'after-commit' }
  const { env } = tell(row('gateway'), 'gateway-1', { http: 8080, https: 8443 }, { ...place, extra })
  assert.equal(env.SVYAZ_HTTPS_PORT, '8443')
  assert.equal(env.SVYAZ_CERTIFICATE_FILE, '/data/.svyaz/keys/tls/gateway.pem')
  assert.equal(env.SVYAZ_CERTIFICATE_KEY_FILE, '/data/.svyaz/keys/tls/gateway-key.pem')
  assert.equal('SVYAZ_DATABASE_URL' in env, false)
  assert.equal(env.SVYAZ_CRASH_POINTS, 'after-commit')
})

test('addresses of processes that do not run are left out', () => {
  const { env } = tell(row('payments'), 'payments-1', {}, { ...place, has: (name) => name === 'discovery' })
  assert.deepEqual(
    Object.keys(env).filter((name) => name.endsWith('_URL')),
    ['SVYAZ_DISCOVERY_URL'],
  )
})

test('other processes are told by flags', () => {
  assert.deepEqual(tell(row('broker'), 'broker-1', { kafka: 9092, management: 21_001 }, place).argv, [
    ...['--port', '9092', '--management-port', '21001', '--host', '127.0.0.1'],
    ...['--data-dir', '/data/.svyaz/broker', '--stop-on-stdin-end'],
  ])
  assert.deepEqual(tell(row('mail-sink'), 'mail-sink-1', { http: 1, smtp: 2 }, place).argv.slice(0, 4), [
    ...['--port', '1', '--smtp-port', '2'],
  ])
})

test('an IPv6 host is put in brackets', () => {
  const { env } = tell(row('users'), 'users-1', {}, { ...place, host: '::1' })
  assert.equal(env.SVYAZ_DISCOVERY_URL, 'http://[::1]:8500')
})

test('a process with flags is told addresses and places by flags; an address that is not there is left out', () => {
  const argv = (has: (process: string) => boolean) =>
    tell(row('console'), 'console-1', { http: 1 }, { ...place, has }).argv
  assert.deepEqual(argv(() => true).slice(6, -1), [
    '--gateway',
    'http://127.0.0.1:8080',
    '--telemetry',
    'http://127.0.0.1:4318',
    '--relay',
    'http://127.0.0.1:8101',
    '--broker',
    'kafka://127.0.0.1:9092',
    '--discovery',
    'http://127.0.0.1:8500',
    '--mails',
    'http://127.0.0.1:21000',
    '--public-url',
    'http://127.0.0.1:8090',
    '--control-socket',
    '/data/.svyaz/control/socket',
    '--page-cache',
    '/data/.svyaz/pages',
    '--service-keys',
    '/data/.svyaz/keys/jwks.json',
    '--authority',
    '/data/.svyaz/keys/tls/authority.pem',
    '--fault-lab',
    'lab/checker/experiment/main.ts',
    '--assignment',
    'cli/src/main.ts',
  ])
  assert.ok(!argv((name) => name !== 'telemetry').includes('--telemetry'))
})

test('the telemetry is told what to scrape, and which levels there are', () => {
  const { argv } = tell(row('telemetry'), 'telemetry-1', { otlp: 1 }, place)
  assert.match(argv.join(' '), / --levels deploy\/prometheus\/levels\.json --scrape broker=http:\/\/\S+\/metrics /)
})
