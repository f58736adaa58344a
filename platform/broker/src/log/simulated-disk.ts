/**
 * A disk for tests that is as unkind as POSIX allows. What counts after `crash` is what was synced; of the rest each
 * 512-byte sector of file data comes through as it was before, as written, or as garbage where nothing was before, and of
 * the unsynced names of each directory a prefix of the changes. Operations run one at a time in an order drawn from the
 * seed, so that concurrent ones interleave differently in every run.
 */

import { DirectoryInUse } from '@svyaz/stage/directory-lock'
import type { LogFile, LogFileSystem } from './file-system.ts'

const SECTOR_BYTES = 512

class Inode {
  /** As every process sees it. */
  current = Buffer.alloc(0)
  /** As it is on the medium for certain. */
  durable = Buffer.alloc(0)
  dirtySectors = new Set<number>()
  /** Lengths may come through without the data and the other way round. */
  lengthDirty = false
}

type NameChange = { readonly name: string; readonly inode: Inode | null }

class Directory {
  current = new Map<string, Inode>()
  durable = new Map<string, Inode>()
  /** Unsynced changes in order; a rename is two that stand or fall together. */
  changes: NameChange[][] = []
}

export interface SimulatedDiskOptions {
  readonly seed: number
  /** The disk crashes before this operation (counted from 1); never by default. */
  readonly crashAtOperation?: number
  readonly capacityBytes?: number
}

export class SimulatedDisk {
  readonly random: () => number
  operations = 0
  crashed = false
  /** Change freely while running. */
  capacityBytes: number
  /** The next sync of a path that contains this text fails with EIO. */
  failSyncOf: string | null = null
  crashAtOperation: number
  #directories = new Map<string, Directory>()
  #waiting: (() => void)[] = []
  #scheduled = false
  #locked = new Set<string>()
  #crashWaiters: (() => void)[] = []

  constructor(options: SimulatedDiskOptions) {
    this.random = mulberry32(options.seed)
    this.crashAtOperation = options.crashAtOperation ?? Number.POSITIVE_INFINITY
    this.capacityBytes = options.capacityBytes ?? Number.POSITIVE_INFINITY
    this.#directories.set('/', new Directory())
  }

  /**
   * The process is gone; with `power` the machine too. Whatever was under way never ends. The disk can be used again by
   * a new file system.
   */
  crash(power: boolean): void {
    this.crashed = false
    this.crashAtOperation = Number.POSITIVE_INFINITY
    this.#generation++
    this.#waiting = []
    this.#scheduled = false
    this.#locked.clear()
    if (!power) return
    for (const directory of this.#directories.values()) {
      const kept = Math.floor(this.random() * (directory.changes.length + 1))
      for (const change of directory.changes.slice(0, kept)) applyChange(directory.durable, change)
      directory.current = new Map(directory.durable)
      directory.changes = []
      for (const inode of new Set(directory.durable.values())) this.#tear(inode)
    }
  }

  /** Resolves when the operation to crash at is reached. */
  whenCrashed(): Promise<void> {
    return this.crashed ? Promise.resolve() : new Promise((resolve) => this.#crashWaiters.push(resolve))
  }

  fileSystem(): LogFileSystem {
    const generation = this.#generation
    const operation = <T>(work: () => T): Promise<T> => this.#operation(generation, work)
    return {
      open: (path, mode) => operation(() => this.#file(this.#inodeToOpen(path, mode), path, operation)),
      list: (path) => operation(() => this.#list(path)),
      // Directories are durable at once: what matters here is the names of files.
      makeDirectory: (path) =>
        operation(() => {
          if (!this.#directories.has(path)) this.#directories.set(path, new Directory())
        }),
      rename: (from, to) => operation(() => this.#rename(from, to)),
      remove: (path) => operation(() => this.#remove(path)),
      syncDirectory: (path) => operation(() => this.#syncDirectory(path)),
      lock: (path) =>
        operation(() => {
          if (this.#locked.has(path)) throw new DirectoryInUse(path)
          this.#locked.add(path)
          return async () => {
            if (generation === this.#generation) this.#locked.delete(path)
          }
        }),
    }
  }

  #inodeToOpen(path: string, mode: Parameters<LogFileSystem['open']>[1]): Inode {
    const { directory, name } = this.#parent(path)
    const known = directory.current.get(name)
    if (known === undefined) {
      if (mode !== 'replace') throw systemError('ENOENT', path)
      const inode = new Inode()
      this.#change(directory, [{ name, inode }])
      return inode
    }
    if (mode === 'replace') setLength(known, 0)
    return known
  }

  #list(path: string): string[] {
    const names = [...(this.#directories.get(path)?.current.keys() ?? [])]
    const prefix = path === '/' ? '/' : `${path}/`
    for (const other of this.#directories.keys()) {
      const rest = other.startsWith(prefix) ? other.slice(prefix.length) : ''
      if (rest !== '' && !rest.includes('/')) names.push(rest)
    }
    return names
  }

  #rename(from: string, to: string): void {
    const source = this.#parent(from)
    const target = this.#parent(to)
    const inode = source.directory.current.get(source.name)
    if (inode === undefined) throw systemError('ENOENT', from)
    this.#change(source.directory, [
      { name: source.name, inode: null },
      { name: target.name, inode },
    ])
  }

  #remove(path: string): void {
    if (this.#directories.delete(path)) return
    const { directory, name } = this.#parent(path)
    if (directory.current.has(name)) this.#change(directory, [{ name, inode: null }])
  }

  #syncDirectory(path: string): void {
    const directory = this.#directories.get(path)
    if (directory === undefined) throw systemError('ENOENT', path)
    directory.durable = new Map(directory.current)
    directory.changes = []
  }

  /** The file as it is now, to look into it or to damage it: changes are on the medium at once. */
  bytesOf(path: string): Buffer {
    const { directory, name } = this.#parent(path)
    const inode = directory.current.get(name)
    if (inode === undefined) throw systemError('ENOENT', path)
    return inode.current
  }

  /** A file that somebody has deleted: gone from the medium at once. */
  removeForGood(path: string): void {
    const { directory, name } = this.#parent(path)
    directory.current.delete(name)
    directory.durable.delete(name)
    directory.changes = []
  }

  /** Resolves when no operation waits: what is written without being waited for has been written. */
  async settled(): Promise<void> {
    while (this.#waiting.length > 0 || this.#scheduled) await new Promise((resolve) => setImmediate(resolve))
  }

  paths(): string[] {
    return [...this.#directories].flatMap(([path, { current }]) => [...current.keys()].map((name) => `${path}/${name}`))
  }

  usedBytes(): number {
    const inodes = new Set([...this.#directories.values()].flatMap(({ current }) => [...current.values()]))
    let total = 0
    for (const inode of inodes) total += inode.current.length
    return total
  }

  #generation = 0

  #operation<T>(generation: number, work: () => T): Promise<T> {
    return new Promise((resolve, reject) => {
      this.#waiting.push(() => {
        if (generation !== this.#generation) return
        this.operations++
        if (this.operations >= this.crashAtOperation) {
          this.crashed = true
          for (const resolve of this.#crashWaiters.splice(0)) resolve()
        }
        if (this.crashed) return
        try {
          resolve(work())
        } catch (error) {
          reject(error)
        }
      })
      this.#schedule()
    })
  }

  #schedule(): void {
    if (this.#scheduled) return
    this.#scheduled = true
    setImmediate(() => {
      this.#scheduled = false
      const next = this.#waiting.splice(Math.floor(this.random() * this.#waiting.length), 1)[0]
      next?.()
      if (this.#waiting.length > 0) this.#schedule()
    })
  }

  #file(inode: Inode, path: string, operation: <T>(work: () => T) => Promise<T>): LogFile {
    return {
      read: (target, position) => operation(() => inode.current.copy(target, 0, position, position + target.length)),
      write: (bytes, position) => {
        const copy = Buffer.from(bytes)
        return operation(() => {
          const grows = Math.max(0, position + copy.length - inode.current.length)
          if (grows > 0 && this.usedBytes() + grows > this.capacityBytes) throw systemError('ENOSPC', path)
          if (grows > 0) setLength(inode, position + copy.length)
          copy.copy(inode.current, position)
          for (let s = sectorOf(position); s * SECTOR_BYTES < position + copy.length; s++) inode.dirtySectors.add(s)
        })
      },
      sync: () =>
        operation(() => {
          if (this.failSyncOf !== null && path.includes(this.failSyncOf)) throw systemError('EIO', path)
          inode.durable = Buffer.from(inode.current)
          inode.dirtySectors.clear()
          inode.lengthDirty = false
        }),
      truncate: (length) => operation(() => setLength(inode, length)),
      size: () => operation(() => inode.current.length),
      close: () => operation(() => undefined),
    }
  }

  #tear(inode: Inode): void {
    const long = inode.lengthDirty && this.random() < 0.5 ? inode.current.length : inode.durable.length
    const torn = Buffer.alloc(inode.lengthDirty ? long : inode.current.length)
    inode.durable.copy(torn)
    for (const sector of inode.dirtySectors) {
      const at = sector * SECTOR_BYTES
      const draw = this.random()
      if (draw < 0.5) inode.current.copy(torn, at, at, at + SECTOR_BYTES)
      else if (draw < 0.6 && at >= inode.durable.length) {
        for (let i = at; i < Math.min(torn.length, at + SECTOR_BYTES); i++) torn[i] = Math.floor(this.random() * 256)
      }
    }
    inode.current = torn
    inode.durable = Buffer.from(torn)
    inode.dirtySectors.clear()
    inode.lengthDirty = false
  }

  #parent(path: string): { directory: Directory; name: string } {
    const at = path.lastIndexOf('/')
    const directory = this.#directories.get(path.slice(0, at) || '/')
    if (directory === undefined) throw systemError('ENOENT', path)
    return { directory, name: path.slice(at + 1) }
  }

  #change(directory: Directory, change: NameChange[]): void {
    applyChange(directory.current, change)
    directory.changes.push(change)
  }
}

function applyChange(names: Map<string, Inode>, change: readonly NameChange[]): void {
  for (const { name, inode } of change) {
    if (inode === null) names.delete(name)
    else names.set(name, inode)
  }
}

function setLength(inode: Inode, length: number): void {
  const resized = Buffer.alloc(length)
  inode.current.copy(resized)
  inode.current = resized
  inode.lengthDirty = true
}

function sectorOf(position: number): number {
  return Math.floor(position / SECTOR_BYTES)
}

function systemError(code: string, path: string): Error {
  return Object.assign(new Error(`${code}: ${path}`), { code })
}

/** A small generator of numbers in [0, 1), the same for the same seed. */
export function mulberry32(seed: number): () => number {
  let state = seed | 0
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}
