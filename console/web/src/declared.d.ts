/** Made while the page is built, out of the contracts: see web/declared.ts. */
declare module 'virtual:declared' {
  import type { Declared } from '../declared.ts'

  export const declared: Declared
}

/** The same for the API page: see web/declared-api.ts. */
declare module 'virtual:api' {
  import type { DeclaredApi } from '../declared-api.ts'

  export const api: DeclaredApi
}
