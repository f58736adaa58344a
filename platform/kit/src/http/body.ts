import type { IncomingMessage } from 'node:http'
import { BodyFault, gatherBody } from '@svyaz/listener'
import { Failure } from '../failure.ts'

/** What is said of a body, or a form, of more bytes than it may have. */
export const bodyTooLarge = (bytesMax: number): Failure =>
  new Failure('body_too_large', `a body may have ${bytesMax} bytes at most`)

/** The whole body of a request. @throws Failure body_too_large above `bytesMax`; invalid_request when it ended early */
export const readBody = (request: IncomingMessage, bytesMax: number): Promise<Buffer> =>
  gatherBody(request, bytesMax).catch((error: unknown) => {
    if (!(error instanceof BodyFault)) throw error
    if (error.kind === 'too-large') throw bodyTooLarge(bytesMax)
    throw new Failure('invalid_request', 'the body ended early', { cause: error.cause })
  })
