/** Names inside the data directory. Numbers have 20 digits so that names sort as numbers. */
import { join } from 'node:path'

const WAL_NAME = /^(\d{20})\.wal$/
const SEGMENT_NAME = /^(\d{20})\.seg$/

export class LogPaths {
  readonly root: string
  readonly wal: string
  readonly partitions: string
  readonly checkpoint: string
  readonly checkpointNext: string
  /** How far the write-ahead log is synced. */
  readonly synced: string
  /** A write-ahead file that is being filled with zeros. */
  readonly walPreparing: string
  /** A write-ahead file that has been archived and waits to be used again. */
  readonly walSpare: string

  constructor(root: string) {
    this.root = root
    this.wal = join(root, 'wal')
    this.partitions = join(root, 'partitions')
    this.checkpoint = join(root, 'checkpoint')
    this.checkpointNext = join(root, 'checkpoint.next')
    this.synced = join(root, 'synced')
    this.walPreparing = join(this.wal, 'preparing')
    this.walSpare = join(this.wal, 'spare')
  }

  walSegment(number: number): string {
    return join(this.wal, `${twentyDigits(number)}.wal`)
  }

  topic(topicId: string): string {
    return join(this.partitions, topicId)
  }

  partition(topicId: string, partition: number): string {
    return join(this.partitions, topicId, String(partition))
  }

  segment(topicId: string, partition: number, baseOffset: number): string {
    return join(this.partition(topicId, partition), `${twentyDigits(baseOffset)}.seg`)
  }
}

/** The number in a write-ahead file's name, null for other files. */
export function walNumberOf(name: string): number | null {
  const digits = WAL_NAME.exec(name)?.[1]
  return digits === undefined ? null : Number(digits)
}

/** The base offset in a partition segment's name, null for other files. */
export function segmentOffsetOf(name: string): number | null {
  const digits = SEGMENT_NAME.exec(name)?.[1]
  return digits === undefined ? null : Number(digits)
}

function twentyDigits(value: number): string {
  return String(value).padStart(20, '0')
}
