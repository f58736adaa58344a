/**
 * Stock and prices for orders, asked before an order is placed, and the stream by which an administrator restocks many
 * products at once.
 */

import { InventoryServiceService } from '@svyaz/contracts/proto/generated/inventory.ts'
import { inventoryRequests } from '@svyaz/contracts/proto/requests.ts'
import { type Context, Failure, type GrpcHandler, serveGrpc } from '@svyaz/kit'
import { limits, type Settings } from './config.ts'
import { type InventorySchema, restock } from './storage.ts'

/** The gRPC methods of this service, with who may call them. */
export const grpcEdge = (context: Context<Settings, InventorySchema>): GrpcHandler =>
  serveGrpc(
    InventoryServiceService,
    { checkAvailability: ['orders', 'gateway'], bulkRestock: ['gateway'] },
    {
      async checkAvailability({ lines }) {
        const ids = lines.map((line) => line.productId)
        const rows =
          ids.length === 0
            ? []
            : await context.database.query
                .selectFrom('products')
                .innerJoin('stock', 'stock.product_id', 'products.id')
                .select(['id', 'name', 'price_minor', 'available'])
                .where('id', 'in', ids)
                .execute()
        const byId = new Map(rows.map((row) => [row.id, row]))
        return {
          lines: lines.map(({ productId, quantity }) => {
            const row = byId.get(productId)
            return {
              productId,
              requested: quantity,
              known: row !== undefined,
              name: row?.name ?? '',
              unitPrice: row && { amountMinor: Number(row.price_minor), currency: 'EUR' },
              available: row?.available ?? 0,
            }
          }),
        }
      },
      async bulkRestock(requests) {
        const answer = { lines: 0, units: 0, unknownProductIds: [] as string[] }
        for await (const { batchId, lineNumber, productId, quantity } of requests) {
          if (++answer.lines > limits.bulkRestockLinesMax) {
            throw new Failure('invalid_request', `at most ${limits.bulkRestockLinesMax} lines`)
          }
          if (quantity < 1) throw new Failure('invalid_request', `line ${lineNumber} has no quantity`)
          const level = await restock(context, `bulk:${batchId}:${lineNumber}`, productId, quantity)
          if (level) answer.units += quantity
          else answer.unknownProductIds.push(productId)
        }
        return answer
      },
    },
    inventoryRequests,
  )
