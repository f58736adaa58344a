/** The disk of the machine, through node:fs. */
import { chmod, constants, type FileHandle, mkdir, open, readdir, rename, rm, rmdir } from 'node:fs/promises'
import { lockDirectory } from '@svyaz/stage/directory-lock'
import type { LogFile, LogFileSystem } from './file-system.ts'

const FLAGS = {
  read: constants.O_RDONLY,
  write: constants.O_RDWR,
  replace: constants.O_RDWR | constants.O_CREAT | constants.O_TRUNC,
} as const

/** Records are of whoever produced them: only the owner of the process may read them. */
const FILE_MODE = 0o600
const DIRECTORY_MODE = 0o700

export const realFileSystem: LogFileSystem = {
  async open(path, mode) {
    return new RealFile(await open(path, FLAGS[mode], FILE_MODE))
  },
  async list(path) {
    try {
      return await readdir(path)
    } catch (error) {
      if (hasCode(error, 'ENOENT')) return []
      throw error
    }
  },
  async makeDirectory(path) {
    await mkdir(path, { mode: DIRECTORY_MODE }).catch((error: unknown) => {
      if (!hasCode(error, 'EEXIST')) throw error
    })
    // Whoever may not pass it reaches no file of an earlier version, whatever its mode. Somebody else's directory was
    // shared on purpose, and we couldn't change it anyway.
    await chmod(path, DIRECTORY_MODE).catch((error: unknown) => {
      if (!hasCode(error, 'EPERM')) throw error
    })
  },
  rename,
  async remove(path) {
    await rm(path, { force: true }).catch(async (error: unknown) => {
      if (!hasCode(error, 'ERR_FS_EISDIR') && !hasCode(error, 'EISDIR') && !hasCode(error, 'EPERM')) throw error
      await rmdir(path)
    })
  },
  async syncDirectory(path) {
    // Windows can't open a directory for syncing; NTFS journals its names in order.
    if (process.platform === 'win32') return
    const handle = await open(path, constants.O_RDONLY)
    try {
      await handle.sync()
    } finally {
      await handle.close()
    }
  },
  lock: lockDirectory,
}

class RealFile implements LogFile {
  readonly #handle: FileHandle

  constructor(handle: FileHandle) {
    this.#handle = handle
  }

  async read(target: Buffer, position: number): Promise<number> {
    let done = 0
    while (done < target.length) {
      const { bytesRead } = await this.#handle.read(target, done, target.length - done, position + done)
      if (bytesRead === 0) break
      done += bytesRead
    }
    return done
  }

  async write(bytes: Buffer, position: number): Promise<void> {
    let done = 0
    while (done < bytes.length) {
      const { bytesWritten } = await this.#handle.write(bytes, done, bytes.length - done, position + done)
      done += bytesWritten
    }
  }

  async sync(): Promise<void> {
    await this.#handle.datasync()
  }

  async truncate(length: number): Promise<void> {
    await this.#handle.truncate(length)
  }

  async size(): Promise<number> {
    return (await this.#handle.stat()).size
  }

  async close(): Promise<void> {
    await this.#handle.close()
  }
}

/** Whether an error carries this system error code. */
export function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && (error as NodeJS.ErrnoException).code === code
}
