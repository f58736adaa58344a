/**
 * Two kinds of certificate (RFC 5280): an authority for names of this machine, and a server under it. Keys and signatures
 * are node:crypto's; only the bytes around them are put together here.
 */
import { createHash, createPublicKey, type KeyObject, sign } from 'node:crypto'
import { isIPv4 } from 'node:net'
import { bitString, flags, objectId, octetString, sequence, setOf, tagged, time, unsigned, utf8, yes } from './der.ts'

export interface CertificateRequest {
  /** Common name. */
  readonly name: string
  /** A P-256 public key. */
  readonly publicKey: KeyObject
  /** 8 to 20 random bytes. */
  readonly serial: Uint8Array
  /** Wall time in ms. */
  readonly fromMs: number
  readonly untilMs: number
}

export interface Issuer {
  readonly name: string
  /** A P-256 private key. */
  readonly privateKey: KeyObject
}

const ecdsaWithSha256 = sequence(objectId('1.2.840.10045.4.3.2'))
const ids = {
  commonName: '2.5.4.3',
  basicConstraints: '2.5.29.19',
  keyUsage: '2.5.29.15',
  extendedKeyUsage: '2.5.29.37',
  subjectKey: '2.5.29.14',
  authorityKey: '2.5.29.35',
  alternativeNames: '2.5.29.17',
  nameConstraints: '2.5.29.30',
  serverAuth: '1.3.6.1.5.5.7.3.1',
} as const

/**
 * An authority that may sign for loopback and nothing else (RFC 5280, 4.2.1.10): whoever trusts it, and then loses its
 * key, has not given away any other site.
 *
 * @returns the certificate as PEM, signed by its own key
 */
export function authorityCertificate(request: CertificateRequest, privateKey: KeyObject): string {
  const loopback = [
    tagged(2, Buffer.from('localhost')),
    tagged(7, Buffer.from([127, 0, 0, 0, 255, 0, 0, 0])),
    tagged(7, Buffer.from([...Array(15).fill(0), 1, ...Array(16).fill(255)])),
  ].map((name) => sequence(name))
  return certificate(request, { name: request.name, privateKey }, [
    extension(ids.basicConstraints, sequence(yes(), unsigned(Buffer.from([0]))), true),
    // keyCertSign and cRLSign.
    extension(ids.keyUsage, flags(5, 6), true),
    extension(ids.nameConstraints, sequence(tagged(0, Buffer.concat(loopback), true)), true),
    extension(ids.subjectKey, octetString(keyId(request.publicKey))),
  ])
}

/**
 * A server's certificate.
 *
 * @param hosts names and addresses under which it is called
 * @returns PEM
 */
export function serverCertificate(request: CertificateRequest, issuer: Issuer, hosts: readonly string[]): string {
  const names = hosts.map((host) => {
    const address = addressBytes(host)
    return address === undefined ? tagged(2, Buffer.from(host)) : tagged(7, address)
  })
  const issuerKey = keyId(createPublicKey(issuer.privateKey))
  return certificate(request, issuer, [
    // digitalSignature: all that TLS with an elliptic curve needs.
    extension(ids.keyUsage, flags(0), true),
    extension(ids.extendedKeyUsage, sequence(objectId(ids.serverAuth))),
    extension(ids.alternativeNames, sequence(...names)),
    extension(ids.subjectKey, octetString(keyId(request.publicKey))),
    extension(ids.authorityKey, sequence(tagged(0, issuerKey))),
  ])
}

function certificate(request: CertificateRequest, issuer: Issuer, extensions: readonly Buffer[]): string {
  const signed = sequence(
    // Version 3.
    tagged(0, unsigned(Buffer.from([2])), true),
    unsigned(request.serial),
    ecdsaWithSha256,
    named(issuer.name),
    sequence(time(request.fromMs), time(request.untilMs)),
    named(request.name),
    request.publicKey.export({ type: 'spki', format: 'der' }),
    tagged(3, sequence(...extensions), true),
  )
  const signature = sign('sha256', signed, { key: issuer.privateKey, dsaEncoding: 'der' })
  const whole = sequence(signed, ecdsaWithSha256, bitString(signature))
  const lines = whole.toString('base64').match(/.{1,64}/g) ?? []
  return `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`
}

const named = (name: string): Buffer => sequence(setOf(sequence(objectId(ids.commonName), utf8(name))))

const extension = (id: string, value: Buffer, critical = false): Buffer =>
  sequence(objectId(id), ...(critical ? [yes()] : []), octetString(value))

/** RFC 7093, 2, method 1: the leftmost 160 bits of the SHA-256 of the key's bits, here with their algorithm. */
const keyId = (key: KeyObject): Buffer =>
  createHash('sha256')
    .update(key.export({ type: 'spki', format: 'der' }))
    .digest()
    .subarray(0, 20)

/** Four bytes, or the sixteen of `::1`, the only IPv6 address that is asked for; undefined for a name. */
function addressBytes(host: string): Buffer | undefined {
  if (isIPv4(host)) return Buffer.from(host.split('.').map(Number))
  return host === '::1' ? Buffer.from([...Array(15).fill(0), 1]) : undefined
}
