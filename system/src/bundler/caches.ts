/**
 * Where what is built lies: a folder for each checkout. A bundle has paths of its checkout in it, so that another
 * checkout on the same SVYAZ_HOME must never run it, although both have the same entries (docs/decisions/0045).
 */
import { mkdirSync, readdirSync, rmSync, statSync, utimesSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { idOf } from '../checkout.ts'

export interface Caches {
  readonly folder: string
  readonly bundles: string
  /** Compiled code of what runs from its sources. */
  readonly compiled: string
  /** Built pages of the console. */
  readonly pages: string
}

/** Checkouts whose caches stay, this one's among them: going back to the one before costs nothing. */
export const cachesKept = 2

/**
 * @param root of the checkout.
 * @param cache folder of all checkouts' caches.
 */
export function cachesOf(root: string, cache: string): Caches {
  const folder = join(cache, idOf(root))
  return { folder, bundles: join(folder, 'bundles'), compiled: join(folder, 'compiled'), pages: join(folder, 'pages') }
}

/**
 * Marks caches as used now and removes those of other checkouts that were used longest ago. Only for who holds the lock
 * of the only home that uses the folder; otherwise `ageMs` keeps what somebody may still use.
 */
export function removeOtherCaches(own: Caches, ageMs = 0, nowMs = Date.now()): void {
  mkdirSync(own.folder, { recursive: true })
  utimesSync(own.folder, nowMs / 1000, nowMs / 1000)
  const cache = dirname(own.folder)
  const others = readdirSync(cache)
    .filter((name) => name !== basename(own.folder))
    .map((name) => ({ path: join(cache, name), usedMs: statSync(join(cache, name)).mtimeMs }))
    .sort((a, b) => b.usedMs - a.usedMs)
  for (const { path, usedMs } of others.slice(cachesKept - 1))
    if (nowMs - usedMs >= ageMs) rmSync(path, { recursive: true, force: true })
}
