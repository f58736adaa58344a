/** Builds what it is told by its parent, says what came of it, and ends: so nothing of esbuild stays with the parent. */
import { buildAll } from './build.ts'
import type { Order } from './order.ts'

// The parent has gone: nobody waits for a bundle.
process.once('disconnect', () => process.exit())
process.once('message', async (order: Order) => {
  const outcome = await buildAll(order)
  process.send?.(outcome, () => process.exit())
})
