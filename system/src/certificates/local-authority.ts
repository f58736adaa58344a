/**
 * The certificates of this installation, made at the first start and kept under SVYAZ_HOME: a local authority and the
 * gateway's certificate under it. Private keys have mode 0600. A certificate that soon ends is made again at a start.
 */
import { createPrivateKey, generateKeyPairSync, type KeyObject, randomBytes, X509Certificate } from 'node:crypto'
import { chmodSync, existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { authorityCertificate, serverCertificate } from '@svyaz/listener/certificate.ts'

export interface CertificateFiles {
  /** To be trusted by clients. */
  readonly authority: string
  readonly authorityKey: string
  readonly certificate: string
  readonly key: string
}

const day = 86_400_000
/** How long each is good for, and how long before its end a new one is made. Browsers take 398 days at most from a server. */
export const certificateLimits = {
  authorityMs: 3_650 * day,
  serverMs: 397 * day,
  renewBeforeMs: 30 * day,
  /** Clocks of clients may be late by so much. */
  backdatedMs: day,
} as const

/** What the gateway is called on this machine. */
export const localHosts: readonly string[] = ['localhost', '127.0.0.1', '::1']

/**
 * Where the certificates of an installation are.
 * @param keys its folder of keys
 */
export const certificateFiles = (keys: string): CertificateFiles => ({
  authority: join(keys, 'tls', 'authority.pem'),
  authorityKey: join(keys, 'tls', 'authority-key.pem'),
  certificate: join(keys, 'tls', 'gateway.pem'),
  key: join(keys, 'tls', 'gateway-key.pem'),
})

/**
 * Certificates as they are wanted; what is there and good stays, what is missing, ends soon or doesn't fit is made.
 *
 * @param keys the installation's folder of keys
 * @param nowMs wall time
 * @throws Error of the file system
 */
export function ensureCertificates(keys: string, nowMs: number): CertificateFiles {
  const files = certificateFiles(keys)
  const known = readAuthority(files, nowMs)
  if (known !== undefined && serves(files, known.certificate, nowMs)) return files
  mkdirSync(join(keys, 'tls'), { recursive: true, mode: 0o700 })
  const authority = known ?? makeAuthority(files, nowMs)
  const pair = newPair()
  const pem = serverCertificate(
    request('localhost', pair.publicKey, nowMs, certificateLimits.serverMs),
    { name: commonName(authority.certificate), privateKey: authority.privateKey },
    localHosts,
  )
  writePrivate(files.key, pair.privateKey)
  write(files.certificate, pem, 0o644)
  return files
}

interface Authority {
  readonly certificate: X509Certificate
  readonly privateKey: KeyObject
}

function readAuthority(files: CertificateFiles, nowMs: number): Authority | undefined {
  if (!existsSync(files.authority) || !existsSync(files.authorityKey)) return undefined
  try {
    const certificate = new X509Certificate(readFileSync(files.authority))
    const privateKey = createPrivateKey(readFileSync(files.authorityKey))
    if (!certificate.checkPrivateKey(privateKey) || endsSoon(certificate, nowMs)) return undefined
    return { certificate, privateKey }
  } catch {
    // Half a file, after a crash: nobody has trusted it yet, or has to trust another one.
    return undefined
  }
}

/** Whether the gateway's certificate is there, under that authority, and good for long enough. */
function serves(files: CertificateFiles, authority: X509Certificate, nowMs: number): boolean {
  try {
    const certificate = new X509Certificate(readFileSync(files.certificate))
    const key = createPrivateKey(readFileSync(files.key))
    return certificate.checkPrivateKey(key) && certificate.verify(authority.publicKey) && !endsSoon(certificate, nowMs)
  } catch {
    return false
  }
}

const endsSoon = (certificate: X509Certificate, nowMs: number): boolean =>
  certificate.validToDate.getTime() - nowMs < certificateLimits.renewBeforeMs

function makeAuthority(files: CertificateFiles, nowMs: number): Authority {
  const pair = newPair()
  // A name of its own: a person with several installations sees which of them a machine trusts.
  const name = `Svyaz local authority ${randomBytes(4).toString('hex')}`
  const pem = authorityCertificate(request(name, pair.publicKey, nowMs, certificateLimits.authorityMs), pair.privateKey)
  writePrivate(files.authorityKey, pair.privateKey)
  write(files.authority, pem, 0o644)
  return { certificate: new X509Certificate(pem), privateKey: pair.privateKey }
}

const request = (name: string, publicKey: KeyObject, nowMs: number, goodForMs: number) => ({
  name,
  publicKey,
  serial: randomBytes(16),
  fromMs: nowMs - certificateLimits.backdatedMs,
  untilMs: nowMs + goodForMs,
})

const newPair = () => generateKeyPairSync('ec', { namedCurve: 'P-256' })

const commonName = ({ subject }: X509Certificate): string => /^CN=(.*)$/m.exec(subject)?.[1] ?? ''

const writePrivate = (path: string, key: KeyObject): void =>
  write(path, key.export({ type: 'pkcs8', format: 'pem' }).toString(), 0o600)

/** Beside it, then in its place: never half of it. */
function write(path: string, text: string, mode: number): void {
  writeFileSync(`${path}.new`, text, { mode })
  chmodSync(`${path}.new`, mode)
  renameSync(`${path}.new`, path)
}
