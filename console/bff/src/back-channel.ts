/**
 * Whether it is the provider that says somebody has signed out elsewhere. Anybody can say so, so its keys are asked for
 * seldom, and each word counts once.
 */
import type { JsonWebKey } from 'node:crypto'
import { consoleClient } from '@svyaz/contracts/http/oidc.ts'
import { limits } from './limits.ts'
import { BadLogoutToken, keyIdOf, readLogoutToken, type SignedOut } from './logout-token.ts'
import type { SignIn } from './sign-in.ts'

/** Keys of the provider, and the words of it that were heard. */
export class BackChannel {
  readonly #provider: Pick<SignIn, 'providerName' | 'providerKeys'>
  readonly #now: () => number
  readonly #heard = new Set<string>()
  #keys: { readonly list: readonly JsonWebKey[]; readonly atMs: number } | undefined

  /**
   * @param now milliseconds of the wall clock
   */
  constructor(provider: Pick<SignIn, 'providerName' | 'providerKeys'>, now: () => number = Date.now) {
    this.#provider = provider
    this.#now = now
  }

  /** @throws BadLogoutToken for what isn't the provider's word of now, or was heard before; Unreachable */
  async read(token: string): Promise<SignedOut> {
    const kid = keyIdOf(token)
    const issuer = await this.#provider.providerName()
    const key = (await this.#keysWith(kid)).find((one) => kid === undefined || one.kid === kid)
    if (key === undefined) throw new BadLogoutToken('the provider has no such key')
    const nowSeconds = this.#now() / 1_000
    const signedOut = readLogoutToken(token, key, { issuer, clientId: consoleClient.id, nowSeconds })
    if (this.#heard.has(signedOut.id)) throw new BadLogoutToken('it came before')
    this.#heard.add(signedOut.id)
    for (const oldest of this.#heard)
      if (this.#heard.size > limits.signOutsHeardMax) this.#heard.delete(oldest)
      else break
    return signedOut
  }

  /** Asked for again when one is missing, and not more often than a stranger may make this ask. */
  async #keysWith(kid: string | undefined): Promise<readonly JsonWebKey[]> {
    const known = this.#keys
    const has = known?.list.some((key) => key.kid === kid) === true
    if (known !== undefined && (has || this.#now() - known.atMs < limits.providerKeysEveryMs)) return known.list
    const list = (await this.#provider.providerKeys()).filter(({ kty, use }) => kty === 'RSA' && use !== 'enc')
    this.#keys = { list, atMs: this.#now() }
    return list
  }
}
