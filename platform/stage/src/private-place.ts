/** Folders and files that hold what is nobody else's business: only their owner may look, whatever the umask is. */
import { chmod, mkdir } from 'node:fs/promises'

export const privateFileMode = 0o600
const privateFolderMode = 0o700

/** Makes the folder (and those above it) when missing; narrows its mode when it was there with a wider one. */
export async function makePrivateFolder(path: string): Promise<void> {
  await mkdir(path, { recursive: true, mode: privateFolderMode })
  await narrow(path, privateFolderMode)
}

/** Narrows the mode of a file that is there. */
export const makePrivateFile = (path: string): Promise<void> => narrow(path, privateFileMode)

/** What belongs to somebody else was shared on purpose, and we couldn't change it anyway. */
async function narrow(path: string, mode: number): Promise<void> {
  await chmod(path, mode).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPERM') throw error
  })
}
