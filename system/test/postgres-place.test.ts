import assert from 'node:assert/strict'
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { completeBinaries, copyBinaries, installedBinaries } from '../src/postgres/binaries.ts'
import { openCluster } from '../src/postgres/cluster.ts'
import { accountFrom, preparePlace, removeRelocated } from '../src/postgres/place.ts'
import { parsePostmasterFile } from '../src/postgres/predecessor.ts'

describe('the account that PostgreSQL runs as instead of root', () => {
  const root = 'root:x:0:0:root:/root:/bin/bash'
  const nobody = 'nobody:x:65534:65533:nobody:/nonexistent:/usr/sbin/nologin'
  const postgres = 'postgres:x:101:104:PostgreSQL,,,:/var/lib/postgresql:/bin/bash'

  test('postgres if there is one, else nobody', () => {
    assert.deepEqual(accountFrom([root, nobody, postgres].join('\n')), { name: 'postgres', uid: 101, gid: 104 })
    assert.deepEqual(accountFrom([root, nobody, ''].join('\n')), { name: 'nobody', uid: 65_534, gid: 65_533 })
  })
  test('never one that is root under another name', () => {
    assert.equal(accountFrom('postgres:x:0:0::/:/bin/sh'), undefined)
    assert.equal(accountFrom(root), undefined)
  })
})

test('in a folder that a shell would read in its own way, initdb runs programs from elsewhere', {
  timeout: 60_000,
}, async (t) => {
  const installed = installedBinaries()
  for (const odd of ['$HOME $&', '`id`', '"quoted"', 'back\\slash', '#?%20 Ü']) {
    const folder = mkdtempSync(join(tmpdir(), `svyaz ${odd} `))
    t.after(() => rmSync(folder, { recursive: true, force: true }))
    chmodSync(folder, 0o755)
    const directory = join(folder, 'native')
    symlinkSync(installed.directory, directory)
    const place = preparePlace(join(folder, 'postgres'), { ...installed, directory })
    assert.equal(place.programs === directory, odd.startsWith('#'), odd)
    assert.ok(!/[$`"\\]/.test(place.programs), place.programs)
    if (odd !== '$HOME $&') continue
    const { dataDirectory } = await openCluster(place)
    assert.ok(existsSync(join(dataDirectory, 'PG_VERSION')), 'initdb did it')
  }
})

test('what root keeps outside of a folder goes with it, and nobody else’s does', {
  skip: process.getuid?.() !== 0 && 'only root’s PostgreSQL runs as another account',
}, (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'svyaz-place-'))
  const directory = join(folder, 'postgres')
  const { where } = preparePlace(directory, installedBinaries())
  t.after(() => {
    for (const left of [folder, where]) rmSync(left, { recursive: true, force: true })
  })
  assert.ok(!where.startsWith(folder), where)
  const theirs = join(where, 'moved.json')
  const mark = readFileSync(theirs, 'utf8')
  writeFileSync(theirs, mark.replace('"id":"', '"id":"0'))
  removeRelocated(directory)
  assert.ok(existsSync(where), 'another clone was at that path before')
  writeFileSync(theirs, mark)
  removeRelocated(directory)
  assert.ok(!existsSync(where))
  assert.ok(existsSync(directory))
  removeRelocated(directory)
})

describe('postmaster.pid', () => {
  test('a running server', () => {
    const text = '4711\n/var/data\n1763722000\n54329\n\n127.0.0.1\n  655362  0\nready   \n'
    assert.deepEqual(parsePostmasterFile(text), { pid: 4711, port: 54_329, status: 'ready' })
  })
  test('a standalone backend has its id negated', () => assert.equal(parsePostmasterFile('-4711\n')?.pid, 4711))
  test('an empty or torn file names nobody', () => {
    assert.equal(parsePostmasterFile(''), undefined)
    assert.equal(parsePostmasterFile('47x'), undefined)
  })
})

describe("the programs' missing links", () => {
  function unpacked(): { directory: string; version: string } & Disposable {
    const root = mkdtempSync(join(tmpdir(), 'программы svyaz '))
    const directory = join(root, 'native')
    for (const folder of ['bin', 'lib']) mkdirSync(join(directory, folder), { recursive: true })
    for (const program of ['postgres', 'initdb']) writeFileSync(join(directory, 'bin', program), '', { mode: 0o644 })
    writeFileSync(join(directory, 'lib', 'libpq.so.5.18'), '')
    const links = [{ source: 'native/lib/libpq.so.5.18', target: 'native/lib/libpq.so.5' }]
    writeFileSync(join(directory, 'pg-symlinks.json'), JSON.stringify(links))
    return { directory, version: '1.2.3', [Symbol.dispose]: () => rmSync(root, { recursive: true, force: true }) }
  }

  test('are made once, relative, with the executable bits', () => {
    using binaries = unpacked()
    assert.ok(completeBinaries(binaries.directory))
    assert.ok(completeBinaries(binaries.directory))
    assert.equal(readlinkSync(join(binaries.directory, 'lib', 'libpq.so.5')), 'libpq.so.5.18')
    assert.equal(statSync(join(binaries.directory, 'bin', 'postgres')).mode & 0o111, 0o111)
  })

  test('a copy is complete, readable by everybody, and made once', () => {
    using binaries = unpacked()
    const parent = join(binaries.directory, '..', 'copies')
    const copy = copyBinaries(binaries, parent)
    assert.ok(lstatSync(join(copy, 'lib', 'libpq.so.5')).isSymbolicLink())
    assert.equal(statSync(copy).mode & 0o777, 0o755)
    const { ino } = statSync(join(copy, 'bin', 'postgres'))
    assert.equal(copyBinaries(binaries, parent), copy)
    assert.equal(statSync(join(copy, 'bin', 'postgres')).ino, ino)
  })
})
