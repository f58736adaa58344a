/**
 * The disk as the log needs it: few operations, each with the durability it has on a POSIX system, so that a simulated
 * disk can take its place and lose whatever was not synced. Paths are absolute or relative as the caller chose.
 */

export interface LogFile {
  /** Reads into `target` from `position`; gives the bytes read, fewer only at the end of the file. */
  read(target: Buffer, position: number): Promise<number>
  /** Writes all of `bytes` from `position`. Fails with code ENOSPC when the disk is full, then perhaps with a part written. */
  write(bytes: Buffer, position: number): Promise<void>
  /** Data, and the metadata needed to read it back, are on the medium when it resolves (fdatasync). */
  sync(): Promise<void>
  truncate(length: number): Promise<void>
  size(): Promise<number>
  close(): Promise<void>
}

export interface LogFileSystem {
  /** `read` and `write` fail with code ENOENT when there is no such file; `replace` creates it or empties it. */
  open(path: string, mode: 'read' | 'write' | 'replace'): Promise<LogFile>
  /** Names in a directory, in no order; empty when there is none. */
  list(path: string): Promise<string[]>
  /** No error when it is there already. The parent must exist. */
  makeDirectory(path: string): Promise<void>
  rename(from: string, to: string): Promise<void>
  /** Removes a file or an empty directory; no error when it is not there. */
  remove(path: string): Promise<void>
  /** Makes creations, renames and removals in a directory durable. */
  syncDirectory(path: string): Promise<void>
  /** Takes the directory for this process or throws DirectoryInUse; gives the way to release it. */
  lock(path: string): Promise<() => Promise<void>>
}
