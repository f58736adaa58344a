/** What the process that builds is asked, and what it answers: one message each way. */

export interface Order {
  /** The checkout: entries are relative to it. */
  readonly root: string
  /** Where bundles and their manifests go. */
  readonly directory: string
  /** See {@link Manifest}. */
  readonly recipe: string
  readonly entries: readonly string[]
  /** Modules that an earlier build found to care where they lie. */
  readonly placed: readonly string[]
}

export interface Outcome {
  /** By entry. */
  readonly built: Readonly<Record<string, { readonly file: string } | { readonly error: string }>>
  readonly placed: readonly string[]
}
