import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { topology } from '../../system/topology.ts'
import {
  argumentFault,
  explainFailure,
  matchesLock,
  nodePackageFor,
  obstacle,
  placeFault,
  portOffsetMax,
  prefersOwn,
  suits,
} from './needs.mjs'

describe('which Node runs the project', () => {
  for (const [version, expected] of [
    ['24.7.0', true],
    ['24.21.0', true],
    ['24.6.1', false],
    ['24.0.0', false],
    ['18.20.8', false],
    ['22.23.3', false],
    ['25.9.0', false],
    ['26.9.0', false],
    ['26.10.0', true],
    ['28.0.0', false],
  ]) {
    test(`${version}: ${expected ? 'itself' : 'another is brought'}`, () => assert.equal(suits(version), expected))
  }
})

test('the machine’s own Node 24 comes first when it is at least as new as the packaged one', () => {
  for (const [own, packaged, expected] of [
    ['24.22.1', '24.21.0', true],
    ['24.21.0', '24.21.0', true],
    ['24.9.0', '24.21.0', false],
    ['24.21.0', '24.21.1', false],
    ['24.7.0', undefined, true],
    ['26.10.0', '24.21.0', true],
    ['22.30.0', undefined, false],
    ['20.20.2', '24.21.0', false],
  ])
    assert.equal(prefersOwn(own, packaged), expected, `${own} beside ${packaged}`)
})

test('a checkout may lie anywhere but under a path of two lines', () => {
  for (const root of ['/srv/a $HOME `id` "b" \\ #c?%20', '/home/jürgen/связь', "/it's/co:lon"])
    assert.equal(placeFault(root), undefined)
  assert.match(placeFault('/srv/new\nline') || '', /line break in it \("\/srv\/new\\nline"\).*move it/)
})

describe('which machine can run it', () => {
  const machine = { platform: 'linux', architecture: 'x64', nodeVersion: '20.1.0', glibc: '2.36' }

  for (const platform of [{}, { architecture: 'arm64' }, { platform: 'darwin', glibc: undefined }, { glibc: '2.28' }]) {
    test(`can: ${JSON.stringify(platform)}`, () => assert.equal(obstacle({ ...machine, ...platform }), undefined))
  }

  for (const [what, platform] of [
    ['musl', { glibc: undefined }],
    ['old glibc', { glibc: '2.17' }],
    ['Windows', { platform: 'win32', glibc: undefined }],
    ['a processor without a package', { architecture: 'riscv64' }],
    ['Apple silicon with an old Node', { platform: 'darwin', architecture: 'arm64', glibc: undefined }],
  ]) {
    test(`cannot: ${what}; one sentence names the Docker way`, () => {
      const sentence = obstacle({ ...machine, ...platform })
      assert.match(sentence, /docker run .* node:24 npm start$/)
      assert.ok(!sentence.includes('\n'))
    })
  }

  test('Apple silicon with its own Node 24 can', () => {
    assert.equal(
      obstacle({ platform: 'darwin', architecture: 'arm64', nodeVersion: '24.7.0', glibc: undefined }),
      undefined,
    )
    assert.equal(nodePackageFor('darwin', 'arm64'), undefined)
  })
})

describe('whether node_modules is what the lock file says', () => {
  const lock = {
    packages: {
      '': { name: 'root' },
      a: { name: '@x/a' },
      'node_modules/@x/a': { resolved: 'a', link: true },
      'node_modules/pg': { version: '1.0.0' },
      'node_modules/tool-darwin': { version: '1.0.0', optional: true },
    },
  }
  const installed = { 'node_modules/@x/a': { link: true }, 'node_modules/pg': { version: '1.0.0' } }

  test('programs for other platforms may be absent', () => assert.ok(matchesLock(lock, { packages: installed })))
  test('another version counts as missing', () => {
    assert.ok(!matchesLock(lock, { packages: { ...installed, 'node_modules/pg': { version: '1.0.1' } } }))
  })
  test('a missing package or workspace is missed', () => {
    assert.ok(!matchesLock(lock, { packages: { 'node_modules/@x/a': { link: true } } }))
    assert.ok(!matchesLock(lock, { packages: { 'node_modules/pg': { version: '1.0.0' } } }))
  })
})

describe('what a person is told when npm failed', () => {
  test('no network: what was not reached, and that later starts need none', () => {
    const told = explainFailure(
      'Node',
      'npm error code EAI_AGAIN\nnpm error request to https://registry.npmjs.org/x failed',
    )
    assert.match(told, /https:\/\/registry\.npmjs\.org \(EAI_AGAIN\)/)
    assert.match(told, /later ones do not/)
  })
  test('a full disk', () => assert.match(explainFailure('Node', 'npm error code ENOSPC'), /disk is full/))
  test("anything else: npm's own words", () => {
    assert.match(explainFailure('Node', 'npm error code EUSAGE\nnpm error not in sync'), /npm error not in sync/)
  })
})

test('a port offset beyond the last port is refused before anything is installed', () => {
  for (const args of [['up'], ['up', '--port-offset', '0'], ['up', `--port-offset=${portOffsetMax}`, '--detach']])
    assert.equal(argumentFault(args), undefined, args.join(' '))
  for (const args of [
    ['up', '--port-offset', String(portOffsetMax + 1)],
    ['up', '--port-offset=-1'],
    ['up', '--port-offset'],
  ])
    assert.match(argumentFault(args) ?? '', /^--port-offset takes a whole number from 0 to 11206, not "/)
  assert.equal(argumentFault(['up', '--topology', 'mine.ts', '--port-offset', '30000']), undefined)
  const fixed = topology.processes.flatMap(({ ports }) => Object.values(ports).map((port) => port.fixed ?? 0))
  assert.equal(Math.max(...fixed) + portOffsetMax, 65_535, 'the highest fixed port is the one it is computed from')
})
