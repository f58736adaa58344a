/** Customers of a stack, each with an open WebSocket, and how the next order is placed. */
import { createRandom } from '@svyaz/checker/random.ts'
import { basket, type Place } from './loops.ts'
import { Shopper } from './shopper.ts'
import type { Stack } from './stack.ts'

export const customers = 40

export interface Shop extends Disposable {
  /** Orders by the next customer in turn, and what the seed says. */
  readonly place: Place
}

/**
 * Signs the customers up and opens their WebSockets.
 * @param label part of the customers' names: a stack takes a name once
 * @param seed of what they order
 */
export async function openShop(stack: Stack, label: string, seed: number): Promise<Shop> {
  const random = createRandom(seed)
  const shoppers = new DisposableStack()
  const all: Shopper[] = []
  for (let index = 1; index <= customers; index += 1)
    all.push(shoppers.use(await Shopper.open(stack.ordersUrl, await stack.signUp(`customer-${label}${index}`))))
  let next = 0
  return {
    place: (dueAtMs) => all[next++ % all.length]!.order(basket(stack.products, random), dueAtMs),
    [Symbol.dispose]: () => shoppers.dispose(),
  }
}
