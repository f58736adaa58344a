/**
 * What must be there before the services are: secrets, databases with their roles, topics. Each job may run again at
 * any time, makes only what is missing, and ends. `main.mjs secrets|databases|topics`
 */
const jobs: Readonly<Record<string, () => Promise<() => Promise<void>>>> = {
  secrets: async () => (await import('./secrets.ts')).makeSecrets,
  databases: async () => (await import('./databases.ts')).makeDatabases,
  topics: async () => (await import('./topics.ts')).makeTopics,
}

const [name = ''] = process.argv.slice(2)
const find = jobs[name]
if (find === undefined) {
  process.stderr.write(`there is no job "${name}": ${Object.keys(jobs).join(', ')}\n`)
  process.exit(2)
}
// Nothing of a job outlives it: half a job is done again by the next run.
process.on('SIGTERM', () => process.exit(143))
try {
  await (await find())()
} catch (error) {
  process.stderr.write(`${name}: ${error instanceof Error ? error.message : String(error)}\n`)
  process.exit(1)
}
process.exit(0)
