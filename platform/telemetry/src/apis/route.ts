/** What a route of another tool's API is. */

export type ApiAnswer = { readonly status: number; readonly body: unknown }
/** Errors have the form of the API, so they are answers here. */
export type ApiRoute = (query: URLSearchParams, id: string) => ApiAnswer | Promise<ApiAnswer>
