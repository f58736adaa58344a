/** Keys of the registry: `/v1/kv`, with check-and-set and deletions that a watcher of the prefix can see. Pure. */
import { mark } from './indexes.ts'
import type { Limits } from './limits.ts'
import { type Reply, tooMany } from './reply.ts'
import type { Draft, KeyRow } from './state.ts'

export type KeyEvent =
  | {
      readonly type: 'put key'
      readonly key: string
      /** base64 */
      readonly value: string
      readonly flags: number
      /** Store only if the row has this ModifyIndex; 0: only if there is no such key; null: always. */
      readonly cas: number | null
    }
  | {
      readonly type: 'delete keys'
      readonly key: string
      /** `key` is a prefix. */
      readonly recurse: boolean
      readonly cas: number | null
    }

/** Replies false when the check-and-set does not hold. A put that changes nothing moves no index. */
export function putKey(draft: Draft, event: KeyEvent & { type: 'put key' }, limits: Limits): Reply {
  const keys = draft.table('keys')
  const before = keys.get(event.key)
  if (event.cas !== null && event.cas !== (before?.modifyIndex ?? 0)) return { ok: true, value: false }
  if (before === undefined && keys.size >= limits.keysMax) return tooMany('keys', limits.keysMax)
  if (before?.value === event.value && before.flags === event.flags) return { ok: true, value: true }
  const { value, flags } = event
  if (weightOf(keys) + event.key.length + value.length - (before?.value.length ?? 0) > limits.keysBytesMax) {
    return tooMany('bytes of keys', limits.keysBytesMax)
  }
  draft.write('keys', event.key, {
    value,
    flags,
    createIndex: before?.createIndex ?? draft.index,
    modifyIndex: draft.index,
  })
  if (draft.table('tombstones').has(event.key)) draft.write('tombstones', event.key, null)
  draft.mark(mark.keys)
  return { ok: true, value: true }
}

/** Deleting what is not there succeeds, as in Consul; with `cas` it must have that ModifyIndex or nothing is done. */
export function deleteKeys(draft: Draft, event: KeyEvent & { type: 'delete keys' }, limits: Limits): Reply {
  const keys = draft.table('keys')
  const row = keys.get(event.key)
  if (event.cas !== null && row !== undefined && event.cas !== row.modifyIndex) return { ok: true, value: false }
  const gone = event.recurse
    ? [...keys.keys()].filter((key) => key.startsWith(event.key))
    : row === undefined
      ? []
      : [event.key]
  if (gone.length === 0) return { ok: true, value: true }
  for (const key of gone) {
    draft.write('keys', key, null)
    draft.write('tombstones', key, draft.index)
  }
  draft.mark(mark.keys)
  forgetOldTombstones(draft, limits.tombstonesMax)
  return { ok: true, value: true }
}

/** Keeps the newest; the floor makes a watcher that might have missed a forgotten one look again. */
function forgetOldTombstones(draft: Draft, max: number): void {
  const tombstones = draft.table('tombstones')
  if (tombstones.size <= max) return
  const oldestFirst = [...tombstones].sort((a, b) => a[1] - b[1]).slice(0, tombstones.size - Math.floor(max / 2))
  for (const [key] of oldestFirst) draft.write('tombstones', key, null)
  draft.write('marks', mark.tombstoneFloor, oldestFirst[oldestFirst.length - 1]![1])
}

function weightOf(keys: ReadonlyMap<string, KeyRow>): number {
  let bytes = 0
  for (const [key, row] of keys) bytes += key.length + row.value.length
  return bytes
}
