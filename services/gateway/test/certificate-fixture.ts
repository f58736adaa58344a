/** The gateway's port with TLS for a test: a certificate of its own, and frames by hand. */
import { connect } from 'node:tls'
import { field, frame, loopbackCertificate, start } from '@svyaz/listener/testing'
import type { TestGateway } from './gateway-fixture.ts'

const { certificate, key } = loopbackCertificate()

export interface SecurePort extends AsyncDisposable {
  readonly port: number
  /** PEM of who is to be trusted. */
  readonly authority: string
  /**
   * A request in frames, its fields as they are, with a body.
   * @returns its status; 400 when the server reset the stream or ended the connection instead
   */
  frames(fields: Readonly<Record<string, string>>, body: string): Promise<number>
}

/** Opens the port with TLS of a gateway under test. */
export const openSecurely = async ({ gateway }: TestGateway): Promise<SecurePort> => {
  const running = await gateway.listenSecurely({ host: '127.0.0.1', port: 0 }, { certificate, key })
  return {
    port: running.port,
    authority: certificate,
    frames: (fields, body) => framesTo(running.port, fields, body),
    [Symbol.asyncDispose]: async () => running[Symbol.asyncDispose](),
  }
}

const framesTo = (port: number, fields: Readonly<Record<string, string>>, body: string): Promise<number> =>
  new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1', ca: certificate, ALPNProtocols: ['h2'] })
    let received: Buffer = Buffer.alloc(0)
    const end = (status: number) => {
      socket.destroy()
      resolve(status)
    }
    socket.on('error', () => end(400))
    socket.on('close', () => end(400))
    socket.on('data', (chunk: Buffer) => {
      received = Buffer.concat([received, chunk])
      while (received.length >= 9) {
        const length = received.readUIntBE(0, 3)
        if (received.length < 9 + length) return
        const [type, payload] = [received[3], received.subarray(9, 9 + length)]
        received = received.subarray(9 + length)
        // HEADERS: the status is first; indexed for 200, 400 and the like (RFC 7541, appendix A), or a literal.
        if (type === 1) return end(statusOf(payload))
        // RST_STREAM, GOAWAY.
        if (type === 3 || type === 7) return end(400)
      }
    })
    const all = { ':method': 'GET', ':scheme': 'https', ':path': '/', ':authority': `127.0.0.1:${port}`, ...fields }
    socket.write(
      Buffer.concat([
        start,
        frame(1, 4, 1, Buffer.concat(Object.entries(all).map(([name, value]) => field(name, value)))),
        frame(0, 1, 1, Buffer.from(body)),
      ]),
    )
  })

const indexed = new Map([200, 204, 206, 304, 400, 404, 500].map((status, place) => [0x88 + place, status]))

function statusOf(block: Buffer): number {
  // A change of the table's size comes before it.
  const at = [...block].findIndex((byte) => (byte & 0xe0) !== 0x20)
  const known = indexed.get(block[at]!)
  if (known !== undefined) return known
  const huffman = (block[at + 1]! & 0x80) !== 0
  const digits = block.subarray(at + 2, at + 2 + (block[at + 1]! & 0x7f))
  return Number(huffman ? unpacked(digits) : digits.toString())
}

/** Digits in the code of RFC 7541, appendix B: 0 to 2 in five bits, 3 to 9 in six. */
function unpacked(bytes: Buffer): string {
  let bits = [...bytes].map((byte) => byte.toString(2).padStart(8, '0')).join('')
  let digits = ''
  while (bits.length >= 5 && digits.length < 3) {
    const five = Number.parseInt(bits.slice(0, 5), 2)
    const six = Number.parseInt(bits.slice(0, 6), 2)
    if (five <= 2) digits += five
    else digits += six - 0x19 + 3
    bits = bits.slice(five <= 2 ? 5 : 6)
  }
  return digits
}
