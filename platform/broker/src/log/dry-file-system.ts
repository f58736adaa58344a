/** A file system that reads what is there and writes nothing: recovery on it is a check. */
import type { LogFile, LogFileSystem } from './file-system.ts'

/** Writes, renames and removals do nothing and succeed; a file that would be made is empty. */
export function dryFileSystem(fs: LogFileSystem): LogFileSystem {
  const nothing = async () => {}
  return {
    open: async (path, mode) => (mode === 'replace' ? emptyFile : dryFile(await fs.open(path, 'read'))),
    list: (path) => fs.list(path),
    makeDirectory: nothing,
    rename: nothing,
    remove: nothing,
    syncDirectory: nothing,
    lock: async () => nothing,
  }
}

function dryFile(file: LogFile): LogFile {
  return {
    ...writesNothing,
    read: (target, position) => file.read(target, position),
    size: () => file.size(),
    close: () => file.close(),
  }
}

const writesNothing = { write: async () => {}, sync: async () => {}, truncate: async () => {} }
const emptyFile: LogFile = { ...writesNothing, read: async () => 0, size: async () => 0, close: async () => {} }
