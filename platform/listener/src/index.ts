/** What every listening port needs, whatever is behind it. */
export * from './addresses.ts'
export * from './faults.ts'
export * from './hosts.ts'
export * from './http.ts'
export * from './raw-answer.ts'
export * from './retry-after.ts'
export * from './sockets.ts'
export * from './target.ts'
