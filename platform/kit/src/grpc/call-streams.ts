/** The two halves of a call as async iterables, read and written no faster than the other side goes. */
import { once } from 'node:events'
import type { ServerReadableStream, ServerWritableStream } from '@grpc/grpc-js'
import { firstOf } from '../process/waiting.ts'

/**
 * The requests of a stream, read no faster than they are used. Neither leaving the loop nor the signal destroys the
 * call: its other half still has to carry the answers or the status.
 */
export async function* requestsOf(
  call: ServerReadableStream<unknown, unknown>,
  signal: AbortSignal,
  check: (request: unknown) => unknown,
): AsyncIterable<unknown> {
  const requests = call.iterator({ destroyOnReturn: false })
  while (true) {
    const next = await firstOf(requests.next(), signal)
    if (next.done === true) return
    yield check(next.value)
  }
}

/** Writes the answers as fast as the caller reads them; ends the iteration when the call ends first. */
export async function writeAll(
  call: ServerWritableStream<unknown, unknown>,
  answers: AsyncIterable<unknown>,
  signal: AbortSignal,
): Promise<void> {
  const iterator = answers[Symbol.asyncIterator]()
  try {
    while (true) {
      const next = await firstOf(iterator.next(), signal)
      if (next.done === true) return
      if (!call.write(next.value)) await once(call, 'drain', { signal })
    }
  } finally {
    // Not awaited: a generator that waits for something else returns when that is over, or when it sees the signal.
    void Promise.resolve(iterator.return?.()).catch(() => undefined)
  }
}
