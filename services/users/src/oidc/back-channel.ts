/**
 * Clients that are told when a user signs out elsewhere (OpenID Connect Back-Channel Logout 1.0): the provider does it
 * when a browser signs out here; this does it when a user's sessions end in any other way. Told once, not again: a client
 * that was away finds out by the token, which has ended too.
 */
import { consoleClient } from '@svyaz/contracts/http/oidc.ts'
import type { Provider } from 'oidc-provider'
import type { UsersContext } from '../context.ts'

/** What its types leave out of a client. */
interface Told {
  /** Without a `sid` it means each session of that user. @throws Error when the client doesn't take it */
  backchannelLogout(userId: string, sid?: string): Promise<void>
}

/** Where clients that were registered may be told nothing: only the console's address is the operator's own word. */
export const tellOfSignOut = async (
  { log }: Pick<UsersContext, 'log'>,
  provider: Provider,
  userId: string,
): Promise<void> => {
  const client = await provider.Client.find(consoleClient.id)
  if (client === undefined) return
  await (client as typeof client & Told).backchannelLogout(userId)
  log.info({ client: client.clientId }, 'told of a sign-out')
}
