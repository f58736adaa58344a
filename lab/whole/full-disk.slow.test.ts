/**
 * A disk that is really full, under broker, PostgreSQL and everybody else: orders are refused and told when to come
 * again, none is lost, and it recovers by itself. Needs a mount of its own, and is skipped where that isn't allowed.
 */
import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { test } from 'node:test'

/** Root needs only the mounts; anybody else a user namespace in which it may mount and still is itself. */
const namespace = process.getuid?.() === 0 ? ['--mount'] : ['--mount', '--map-current-user', '--keep-caps']
const folder = mkdtempSync(join(tmpdir(), 'svyaz-full-'))
// PostgreSQL may run as an account of its own.
chmodSync(folder, 0o755)
const mayMount =
  spawnSync('unshare', [...namespace, 'mount', '-t', 'tmpfs', '-o', 'size=1m', 'svyaz-probe', folder]).status === 0

test('a full disk: orders are refused with Retry-After, none is lost, and it recovers by itself', {
  skip: mayMount ? false : 'a tmpfs can’t be mounted here',
  timeout: 10 * 60_000,
}, async (context) => {
  try {
    const scenario = join(import.meta.dirname, 'full-disk-scenario.ts')
    const child = spawn('unshare', [...namespace, process.execPath, scenario, folder], {
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    const [out, err, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')])
    for (const line of out.trim().split('\n')) context.diagnostic(line)
    assert.equal(code, 0, `${out}${err}`)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
})
