/** The last notifications of one user, and where the stream of them goes on. */
import { keep, type NotificationFrame } from '../../protocol.ts'

export class Inbox {
  readonly #frames: NotificationFrame[] = []
  #cursor: number | undefined

  /** The oldest first. */
  get frames(): readonly NotificationFrame[] {
    return this.#frames
  }

  /** Of the last frame that was taken; undefined while it isn't known what came before. */
  get cursor(): number | undefined {
    return this.#cursor
  }

  /** Whether the frame is new: what a stream repeats after a reconnection is not taken again. */
  take(frame: NotificationFrame): boolean {
    if (this.#cursor !== undefined && frame.cursor <= this.#cursor) return false
    this.#cursor = frame.cursor
    this.#frames.push(frame)
    if (this.#frames.length > keep.notificationsPerUser) this.#frames.shift()
    return true
  }

  /** Everything up to here has been read, if that was nothing at all. */
  caughtUp(cursor: number): void {
    this.#cursor ??= cursor
  }

  /** Another account, or one whose notifications were set back: begins again. */
  empty(): void {
    this.#cursor = undefined
    this.#frames.length = 0
  }
}
