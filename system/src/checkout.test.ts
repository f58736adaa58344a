import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { checkoutAt, describeCheckout, mayDiffer } from './checkout.ts'

test("a checkout's commit is what Git says, in a clone, in a worktree, with packed refs and detached", (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'svyaz checkout '))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  const clone = join(folder, 'clone')
  const git = (cwd: string, ...args: string[]) =>
    execFileSync('git', ['-c', 'user.name=t', '-c', 'user.email=t@example.com', ...args], {
      cwd,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    }).trim()
  const isRight = (root: string) => assert.equal(checkoutAt(root).commit, git(root, 'rev-parse', 'HEAD'))

  git(folder, 'init', '-q', 'clone')
  writeFileSync(join(clone, 'package.json'), '{"version":"3.2.1"}')
  assert.deepEqual(checkoutAt(clone), { root: clone, version: '3.2.1' }, 'before the first commit')
  git(clone, 'add', '.')
  git(clone, 'commit', '-qm', 'one')
  isRight(clone)
  const tree = join(folder, 'tree')
  git(clone, 'worktree', 'add', '-q', '-b', 'side', tree)
  git(tree, 'commit', '-q', '--allow-empty', '-m', 'two')
  isRight(tree)
  git(clone, 'pack-refs', '--all')
  isRight(clone)
  isRight(tree)
  git(clone, 'checkout', '-q', '--detach')
  isRight(clone)
  assert.match(describeCheckout(checkoutAt(clone)), /clone \(3\.2\.1, commit [0-9a-f]{7}\)$/)
})

test('a folder without Git has no commit', (t) => {
  const root = mkdtempSync(join(tmpdir(), 'svyaz-checkout-'))
  t.after(() => rmSync(root, { recursive: true, force: true }))
  assert.deepEqual(checkoutAt(root), { root, version: 'unknown' })
})

test('code may differ by version, and between folders by commit', () => {
  const one = { root: '/a', version: '1.0.0', commit: 'x' }
  assert.equal(mayDiffer(one, one), false)
  assert.equal(mayDiffer(one, { ...one, commit: 'y' }), false, 'a commit made while the system runs')
  assert.equal(mayDiffer(one, { ...one, root: '/b' }), false, 'a copy of the same commit')
  assert.equal(mayDiffer(one, { ...one, root: '/b', commit: 'y' }), true)
  assert.equal(mayDiffer(one, { ...one, version: '1.1.0' }), true)
  assert.equal(mayDiffer({ root: '/a', version: '1.0.0' }, { root: '/b', version: '1.0.0' }), true, 'nobody knows')
})
