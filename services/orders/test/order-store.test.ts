import { after } from 'node:test'
import { openDatabase } from '../../../platform/kit/src/database/database.ts'
import { testCore } from '../../../platform/kit/test/core-fixture.ts'
import { startTestPostgres } from '../../../platform/kit/test/engines.ts'
import { migrations } from '../src/storage/migrations.ts'
import { type OrdersSchema, postgresOrderStore } from '../src/storage/postgres.ts'
import { orderStoreSuite } from './order-store.suite.ts'

await using closing = new AsyncDisposableStack()
const cleanUp = closing.move()
after(() => cleanUp.disposeAsync())

orderStoreSuite('PostgreSQL', async () => {
  const postgres = cleanUp.use(await startTestPostgres())
  const url = await postgres.database('orders')
  const open = async () => {
    const database = await openDatabase<OrdersSchema>(testCore({ service: 'orders' }), { url, migrations })
    cleanUp.defer(() => database.close())
    return postgresOrderStore(database, () => new Date().toISOString())
  }
  return { store: await open(), another: await open() }
})
