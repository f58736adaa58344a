import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { judge } from './checks.ts'
import type { Facts } from './facts.ts'
import { damagedPlaces } from './gather.ts'

const nowMs = Date.UTC(2027, 0, 15)
const sound: Facts = {
  nodeVersion: '24.22.1',
  platform: 'linux',
  architecture: 'x64',
  glibc: '2.36',
  home: { path: '/home/ada/.svyaz', exists: true, writeFault: undefined, exposed: [], foreign: [] },
  ports: [
    { port: 8080, process: 'gateway', fault: undefined, holder: undefined, ours: false },
    { port: 9092, process: 'broker', fault: undefined, holder: undefined, ours: false },
  ],
  disk: { freeBytes: 50e9, sync: { tookMs: 2 } },
  memory: { totalBytes: 8e9, availableBytes: 4e9 },
  openFilesMax: 20_000,
  loopbackFault: undefined,
  packages: { installed: true, different: [], postgres: true },
  data: { postgres: '18', broker: 1 },
  damage: [],
  reasons: [],
  clock: { nowMs, newestFileMs: nowMs - 1_000 },
  processes: { running: undefined, staleLock: false, orphans: [] },
  programs: { psql: '/usr/bin/psql', kcat: undefined, chromium: undefined },
}

const taken = { port: 8080, process: 'gateway', fault: 'EADDRINUSE', holder: 'nginx (pid 812)', ours: false }

/** What breaks, the check that says so, how bad it is, and words of the finding and of its remedy. */
const breaks: readonly [name: string, Partial<Facts>, check: string, level: string, what: RegExp, remedy: RegExp][] = [
  ['an old Node', { nodeVersion: '20.20.2' }, 'node', 'wrong', /Node 20\.20\.2/, /npx svyaz/],
  ['a Node 24 without argon2', { nodeVersion: '24.6.0' }, 'node', 'wrong', /24\.6\.0/, /Node 24/],
  [
    'a Node without a security release',
    { nodeVersion: '24.21.0' },
    'node',
    'warning',
    /24\.22\.1 of 2026-10-21/,
    /24\.22\.1 or a newer 24/,
  ],
  ['a newer Node', { nodeVersion: '26.1.0' }, 'node', 'wrong', /26\.1\.0/, /Node 24/],
  ['Windows', { platform: 'win32' }, 'platform', 'wrong', /Windows/, /WSL 2/],
  ['another processor', { architecture: 'riscv64' }, 'platform', 'wrong', /linux-riscv64/, /Docker/],
  ['musl', { glibc: undefined }, 'platform', 'wrong', /no glibc/, /Docker/],
  ['an old glibc', { glibc: '2.27' }, 'platform', 'wrong', /2\.27/, /Docker/],
  [
    'no packages',
    { packages: { installed: false, different: [], postgres: false } },
    'packages',
    'wrong',
    /not installed/,
    /npm ci/,
  ],
  [
    'another version of a package',
    { packages: { installed: true, different: ['pg 8.22.0, not 8.23.1'], postgres: true } },
    'packages',
    'wrong',
    /pg 8\.22\.0, not 8\.23\.1/,
    /npm ci/,
  ],
  [
    'PostgreSQL left out',
    { packages: { installed: true, different: [], postgres: false } },
    'packages',
    'wrong',
    /PostgreSQL .* missing/,
    /--include=optional/,
  ],
  ['a taken port', { ports: [taken] }, 'ports', 'wrong', /8080 is taken by nginx \(pid 812\)/, /--port-offset/],
  [
    'a forbidden port',
    { ports: [{ ...taken, fault: 'EACCES', holder: undefined }] },
    'ports',
    'wrong',
    /8080 .*EACCES/,
    /--port-offset/,
  ],
  ['no loopback', { loopbackFault: 'EADDRNOTAVAIL' }, 'loopback', 'wrong', /EADDRNOTAVAIL/, /lo up/],
  [
    'a home that cannot be written',
    { home: { ...sound.home, writeFault: 'EACCES' } },
    'home',
    'wrong',
    /can’t be written to \(EACCES\)/,
    /SVYAZ_HOME/,
  ],
  [
    'a home that cannot be made',
    { home: { ...sound.home, exists: false, writeFault: 'EROFS' } },
    'home',
    'wrong',
    /can’t be made \(EROFS\)/,
    /SVYAZ_HOME/,
  ],
  [
    'keys that others may read',
    { home: { ...sound.home, exposed: ['keys/orders.json'] } },
    'home',
    'wrong',
    /keys\/orders\.json/,
    /chmod 600 keys\/orders\.json/,
  ],
  [
    'files of root',
    { home: { ...sound.home, foreign: ['state/ports.json'] } },
    'home',
    'wrong',
    /state\/ports\.json .* another user/,
    /chown/,
  ],
  [
    'hardly any disk',
    { disk: { freeBytes: 0.4e9, sync: { tookMs: 1 } } },
    'disk',
    'wrong',
    /0\.4 GB free/,
    /make room/,
  ],
  ['little disk', { disk: { freeBytes: 2e9, sync: { tookMs: 1 } } }, 'disk', 'warning', /2\.0 GB free/, /make room/],
  [
    'no sync',
    { disk: { freeBytes: 50e9, sync: { fault: 'EINVAL' } } },
    'disk',
    'wrong',
    /can’t be synced \(EINVAL\)/,
    /local file system/,
  ],
  ['a slow sync', { disk: { freeBytes: 50e9, sync: { tookMs: 900 } } }, 'disk', 'warning', /900 ms/, /faster/],
  ['nothing is known of the disk', { disk: undefined }, 'disk', 'warning', /find out/, /df -h/],
  [
    'a damaged batch',
    {
      damage: [
        {
          of: 'broker',
          what: '/home/ada/.svyaz/broker/partitions/x/0/0.seg, byte 64: records of orders.events/0 are damaged',
        },
      ],
    },
    'stored records',
    'wrong',
    /0\.seg, byte 64/,
    /node tools\/bootstrap\.mjs platform\/broker\/src\/main\.ts --data-dir '\/home\/ada\/\.svyaz\/broker' --accept-loss/,
  ],
  [
    'a damaged ledger',
    { damage: [{ of: 'payment-processor', what: 'ledger.ndjson: line 3 is damaged' }] },
    'stored data',
    'wrong',
    /payment-processor: ledger\.ndjson: line 3/,
    /outside\/payment-processor\/src\/main\.ts .*--accept-loss/,
  ],
  [
    'a damaged journal of discovery',
    { damage: [{ of: 'discovery', what: 'journal-1: line 3 is damaged' }] },
    'stored data',
    'wrong',
    /discovery: journal-1/,
    /move it away/,
  ],
  [
    'a home without a version',
    { damage: [{ of: 'home', what: 'home.json does not say which version' }] },
    'stored data',
    'wrong',
    /home\.json/,
    /SVYAZ_HOME/,
  ],
  [
    'a full disk of the broker, while writes go on',
    { reasons: [{ instance: 'broker-1', ready: true, reason: 'the disk is full' }] },
    'instances',
    'warning',
    /broker-1: the disk is full/,
    /npx svyaz logs broker-1/,
  ],
  [
    'an instance that dies at each start',
    { reasons: [{ instance: 'broker-1', ready: false, reason: 'the log is missing' }] },
    'instances',
    'wrong',
    /the log is missing/,
    /npx svyaz logs broker-1/,
  ],
  [
    'data of an older PostgreSQL',
    { data: { postgres: '17', broker: 1 } },
    'data',
    'wrong',
    /PostgreSQL 17/,
    /pg_upgrade/,
  ],
  ['data of a newer broker', { data: { postgres: '18', broker: 2 } }, 'data', 'wrong', /format 2/, /away/],
  ['foreign data', { data: { postgres: '18', broker: 'unknown' } }, 'data', 'wrong', /not the broker’s/, /away/],
  ['little memory', { memory: { totalBytes: 2e9, availableBytes: 0.5e9 } }, 'memory', 'warning', /0\.5 GB/, /--only/],
  ['few files', { openFilesMax: 256 }, 'open files', 'warning', /256/, /ulimit -n/],
  ['a clock that lost its battery', { clock: { nowMs: 0, newestFileMs: undefined } }, 'clock', 'wrong', /1970/, /ntp/],
  [
    'files of the future',
    { clock: { nowMs, newestFileMs: nowMs + 2 * 86_400_000 } },
    'clock',
    'wrong',
    /2027-01-17/,
    /ntp/,
  ],
  [
    'processes of a killed supervisor',
    { processes: { running: undefined, staleLock: true, orphans: [{ instance: 'orders-1', pid: 7 }] } },
    'processes',
    'warning',
    /orders-1 \(pid 7\)/,
    /next `npx svyaz up`/,
  ],
]

describe('svyaz doctor', () => {
  test('on a sound machine everything is well, whatever optional program is missing', () => {
    const findings = judge(sound)
    assert.deepEqual(
      findings.filter(({ level }) => level !== 'ok'),
      [],
    )
    assert.ok(findings.some(({ what }) => /kcat is not installed \(optional\)/.test(what)))
  })

  for (const [name, change, check, level, what, remedy] of breaks) {
    test(`${name}: ${level}, with the remedy`, () => {
      const found = judge({ ...sound, ...change }).filter((finding) => finding.level !== 'ok')
      assert.deepEqual(
        found.map((finding) => [finding.check, finding.level]),
        [[check, level]],
      )
      assert.match(found[0]!.what, what)
      assert.match(found[0]!.remedy ?? '', remedy)
      assert.ok((found[0]!.why ?? '').length > 10, 'it says why that matters')
    })
  }

  test('a running system holds its own ports and its own memory', () => {
    const running: Facts = {
      ...sound,
      processes: { running: 99, staleLock: false, orphans: [] },
      ports: [{ ...taken, holder: 'main.js (pid 100)', ours: true }],
      memory: { totalBytes: 2e9, availableBytes: 0.2e9 },
    }
    assert.deepEqual(
      judge(running).filter(({ level }) => level !== 'ok'),
      [],
    )
    const stranger = judge({ ...running, ports: [taken] }).filter(({ level }) => level === 'wrong')
    assert.match(stranger[0]?.what ?? '', /nginx/)
  })
})

test('damaged places are read from the metrics of the broker', () => {
  const metrics = [
    '# TYPE svyaz_broker_log_damaged_places gauge',
    'svyaz_broker_log_damaged_places{topic="orders.events",partition="2",file="/d/0.seg",position="1147"} 1',
    'svyaz_broker_topics 3',
  ].join('\n')
  assert.deepEqual(damagedPlaces(metrics), ['/d/0.seg, byte 1147: records of orders.events/2 are damaged'])
  assert.deepEqual(damagedPlaces(''), [])
})
