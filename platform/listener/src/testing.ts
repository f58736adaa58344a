/** For tests of ports with TLS, here and in what listens through this package: a certificate, and frames by hand. */
import { generateKeyPairSync } from 'node:crypto'
import { serverCertificate } from './certificate.ts'

const dayMs = 86_400_000

/** PEM of a certificate of loopback that is its own authority, valid yesterday to tomorrow, and of its key. */
export function loopbackCertificate(): { certificate: string; key: string } {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const certificate = serverCertificate(
    {
      name: 'localhost',
      publicKey,
      serial: Buffer.alloc(16, 1),
      fromMs: Date.now() - dayMs,
      untilMs: Date.now() + dayMs,
    },
    { name: 'localhost', privateKey },
    ['localhost', '127.0.0.1'],
  )
  return { certificate, key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString() }
}

/** One frame (RFC 9113, 4.1). */
export function frame(type: number, flags: number, stream: number, payload: Buffer = Buffer.alloc(0)): Buffer {
  const head = Buffer.alloc(9)
  head.writeUIntBE(payload.length, 0, 3)
  head[3] = type
  head[4] = flags
  head.writeUInt32BE(stream, 5)
  return Buffer.concat([head, payload])
}

/** A literal field that is not put into the table (RFC 7541, 6.2.2); name and value below 127 bytes each. */
export const field = (name: string, value: string): Buffer =>
  Buffer.concat([
    Buffer.from([0, name.length]),
    Buffer.from(name, 'latin1'),
    Buffer.from([value.length]),
    Buffer.from(value, 'latin1'),
  ])

/** What a client's connection begins with (RFC 9113, 3.4): the preface, and SETTINGS that say nothing. */
export const start: Buffer = Buffer.concat([Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'), frame(4, 0, 0)])
