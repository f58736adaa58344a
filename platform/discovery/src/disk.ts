import type * as fileSystem from 'node:fs/promises'

/** The calls that write; an argument, so that a test can let the disk refuse. */
export type Disk = Pick<typeof fileSystem, 'open' | 'readdir' | 'rename' | 'rm'>
