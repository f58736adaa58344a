/** What processes without the kit use. */
export { markPathOf } from './acknowledged-mark.ts'
export * from './checked-line.ts'
export * from './command.ts'
export * from './flags.ts'
export * from './http.ts'
export * from './json.ts'
export * from './private-place.ts'
export * from './synced-file.ts'
