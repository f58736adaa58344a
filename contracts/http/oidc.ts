/**
 * Where OpenID Connect is spoken. What is below it is described by its own discovery document
 * (`/oidc/.well-known/openid-configuration`), in the words of its standards, not by routes of ours.
 */
export const oidcPath = '/oidc'

/**
 * The client that the console is, where it takes its users back, and where the provider tells it that one has signed out
 * elsewhere (OpenID Connect Back-Channel Logout 1.0): both ends must name the same.
 */
export const consoleClient = {
  id: 'console',
  callbackPath: '/api/signed-in',
  logoutPath: '/api/signed-out-elsewhere',
} as const

/**
 * By which header of its own the gateway hands a client's `Authorization` on, where a route says so: its own place has
 * the gateway's token. No client can send it: headers of that prefix are dropped at the edge.
 */
export const clientAuthorizationHeader = 'x-svyaz-client-authorization'
