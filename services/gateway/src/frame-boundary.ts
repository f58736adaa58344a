/**
 * Where one WebSocket frame ends and the next begins in a stream of bytes (RFC 6455, 5.2): the tunnel passes frames on
 * unread, but may only add a Close of its own between two of them. Reads lengths, nothing else.
 */

export interface FrameTracker {
  /**
   * Follows `chunk`; gives how many of its bytes were followed: all, or with `stopAtBoundary` those up to the first end
   * of a frame.
   */
  follow(chunk: Uint8Array, stopAtBoundary?: boolean): number
  /** Whether the next byte begins a frame. */
  atBoundary(): boolean
}

const maskBit = 0x80
const lengthBits = 0x7f

/** Follows the bytes of one direction of a WebSocket (RFC 6455, 5.2) and knows where a frame ends. */
export const createFrameTracker = (): FrameTracker => {
  /** 2 bytes, then 0, 2 or 8 of extended length, then 0 or 4 of mask. */
  const header = new Uint8Array(14)
  let headerBytes = 0
  let payloadLeft = 0

  const headerLength = (): number => {
    if (headerBytes < 2) return 2
    const length = header[1]! & lengthBits
    return 2 + (length === 126 ? 2 : length === 127 ? 8 : 0) + (header[1]! & maskBit ? 4 : 0)
  }
  const payloadLength = (): number => {
    const view = new DataView(header.buffer)
    const length = header[1]! & lengthBits
    if (length === 126) return view.getUint16(2)
    return length === 127 ? Number(view.getBigUint64(2)) : length
  }

  return {
    atBoundary: () => headerBytes === 0 && payloadLeft === 0,
    follow(chunk, stopAtBoundary = false) {
      let at = 0
      while (at < chunk.length) {
        if (payloadLeft > 0) {
          const taken = Math.min(payloadLeft, chunk.length - at)
          payloadLeft -= taken
          at += taken
        } else {
          header[headerBytes++] = chunk[at++]!
          if (headerBytes < headerLength()) continue
          payloadLeft = payloadLength()
          headerBytes = 0
        }
        if (stopAtBoundary && payloadLeft === 0 && headerBytes === 0) return at
      }
      return at
    },
  }
}

/** A Close frame from server to client, unmasked. The reason has at most 123 bytes. */
export const closeFrame = (code: number, reason: string): Buffer => {
  const text = Buffer.from(reason).subarray(0, 123)
  const frame = Buffer.alloc(4 + text.length)
  frame[0] = 0x88
  frame[1] = 2 + text.length
  frame.writeUInt16BE(code, 2)
  text.copy(frame, 4)
  return frame
}
