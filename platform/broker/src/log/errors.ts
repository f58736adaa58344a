/** How the log says no. The broker maps these to Kafka error codes; `retriable` says whether the client may repeat. */

export class OffsetOutOfRange extends Error {
  override readonly name = 'OffsetOutOfRange'
  readonly retriable = false
  readonly logStartOffset: bigint
  readonly nextOffset: bigint
  constructor(offset: bigint, logStartOffset: bigint, nextOffset: bigint) {
    super(`offset ${offset} is outside ${logStartOffset}..${nextOffset}`)
    this.logStartOffset = logStartOffset
    this.nextOffset = nextOffset
  }
}

/** No space on the device. Nothing of the append was written; it may succeed once space is there again. */
export class StorageFull extends Error {
  override readonly name = 'StorageFull'
  readonly retriable = true
}

/** More is waiting for the disk than the limits allow. Nothing of the append was written. */
export class LogBusy extends Error {
  override readonly name = 'LogBusy'
  readonly retriable = true
}

/** The caller broke the contract of `append`; nothing was written. */
export class InvalidAppend extends Error {
  override readonly name = 'InvalidAppend'
  readonly retriable = false
}

export class LogClosed extends Error {
  override readonly name = 'LogClosed'
  readonly retriable = false
}

/** A write or sync failed earlier: what is on disk is unknown, so this log takes nothing more. */
export class LogFailed extends Error {
  override readonly name = 'LogFailed'
  readonly retriable = false
}

/**
 * Stored bytes are not what was written, and it isn't an interrupted last write; or a file is missing that another one
 * names. Start refuses rather than guess.
 */
export class DamagedLog extends Error {
  override readonly name = 'DamagedLog'
  readonly retriable = false
  readonly file: string
  /** null: the file is missing. */
  readonly position: number | null
  constructor(file: string, position: number | null, what: string) {
    super(position === null ? `${file} is missing: ${what}` : `${file} is damaged at byte ${position}: ${what}`)
    this.file = file
    this.position = position
  }
}
