/**
 * Effectively once: the record comes at least once, and its id is kept in the transaction of its effect. The second time
 * finds the id and does nothing. That is what the kit's inbox does with PostgreSQL; here it is SQLite, which Node brings.
 */
import { DatabaseSync } from 'node:sqlite'
import { effectsFile, maybeDie, readPayments } from './reader.ts'

const database = new DatabaseSync(effectsFile)
database.exec('CREATE TABLE IF NOT EXISTS inbox (event_id TEXT PRIMARY KEY)')
database.exec('CREATE TABLE IF NOT EXISTS effects (payment TEXT NOT NULL)')
const remember = database.prepare('INSERT OR IGNORE INTO inbox VALUES (?)')
const act = database.prepare('INSERT INTO effects VALUES (?)')

await readPayments(async (record) => {
  database.exec('BEGIN')
  const first = remember.run(record.headers.get('ce_id') ?? '').changes === 1
  if (first) act.run(record.value)
  database.exec('COMMIT')
  maybeDie(record.value)
  await record.commit()
})
