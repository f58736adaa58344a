export { ensureDatabases, type ServiceDatabase } from './databases.ts'
export type { PostgresEngine, PostgresExit, PostgresOptions } from './engine.ts'
export { startPostgres } from './engine.ts'
export { PostgresError } from './errors.ts'
