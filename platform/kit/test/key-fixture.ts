/** Keys of several services in a temporary folder, as the supervisor writes them. */
import { generateKeyPairSync } from 'node:crypto'
import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export interface Keys extends AsyncDisposable {
  folder: string
  jwksFile: string
  keyFile(service: string): string
  /** Adds a key `<service>-<number>` to the JWKS and makes it the one that the service signs with. */
  rotate(service: string, number: number): Promise<void>
  /** Takes the key `<service>-<number>` out of the JWKS. */
  withdraw(service: string, number: number): Promise<void>
}

export const createKeys = async (...services: string[]): Promise<Keys> => {
  const folder = await mkdtemp(join(tmpdir(), 'svyaz-keys-'))
  const jwksFile = join(folder, 'jwks.json')
  const keyFile = (service: string) => join(folder, `${service}.jwk`)
  let published: { kid: string; [member: string]: unknown }[] = []
  // Whole or not at all, as the supervisor writes it.
  const publish = async () => {
    await writeFile(`${jwksFile}.next`, JSON.stringify({ keys: published }))
    await rename(`${jwksFile}.next`, jwksFile)
  }
  const add = async (service: string, number: number) => {
    const { privateKey, publicKey } = generateKeyPairSync('ed25519')
    const kid = `${service}-${number}`
    await writeFile(keyFile(service), JSON.stringify({ ...privateKey.export({ format: 'jwk' }), kid }))
    published.push({ ...publicKey.export({ format: 'jwk' }), kid, use: 'sig', alg: 'EdDSA', 'svyaz:service': service })
    await publish()
  }
  for (const service of services) await add(service, 1)
  return {
    folder,
    jwksFile,
    keyFile,
    rotate: add,
    async withdraw(service, number) {
      published = published.filter(({ kid }) => kid !== `${service}-${number}`)
      await publish()
    },
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
  }
}
