/** A call of a user's program over gRPC-Web, which needs nothing but fetch. */
import { request } from 'node:http'
import { text } from 'node:stream/consumers'

/**
 * Calls a method through the gateway with one message.
 * @param method `svyaz.orders.v1.OrderService/GetOrder`
 * @returns the gRPC status; the HTTP status where there was none, negative
 */
export async function callByGrpcWeb(
  gateway: string,
  method: string,
  message: Uint8Array,
  token: string | undefined,
): Promise<number> {
  const head = Buffer.alloc(5)
  head.writeUInt32BE(message.length, 1)
  const asked = request(`${gateway}/${method}`, {
    method: 'POST',
    headers: {
      'content-type': 'application/grpc-web+proto',
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
    },
  })
  asked.end(Buffer.concat([head, message]))
  return new Promise((resolve, reject) => {
    asked.once('error', reject)
    asked.once('response', async (answer) => {
      // The trailers are text at the end of the body; an answer without a body has them in its head.
      const body = await text(answer.setEncoding('latin1'))
      const said = answer.headers['grpc-status'] ?? /grpc-status: (\d+)\r\n/.exec(body)?.[1]
      resolve(said === undefined ? -(answer.statusCode ?? 0) : Number(said))
    })
  })
}
