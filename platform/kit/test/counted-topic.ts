/** A topic of numbers, and a table that shows each effect that a handler had, repeated ones too. */
import { topic } from '@svyaz/contracts/vocabulary.ts'
import { z } from 'zod'
import type { Message, Subscription, Tx } from '../src/api.ts'
import type { Core } from '../src/core.ts'
import { subscribe } from '../src/declare.ts'

export const countedTopic = (name: string) =>
  topic({
    name,
    summary: 'Numbers',
    writer: 'orders',
    readers: ['payments'],
    key: 'any',
    partitions: 6,
    kind: 'event',
    events: { counted: z.strictObject({ n: z.int() }), other: z.strictObject({}) },
  })

export type CountedTopic = ReturnType<typeof countedTopic>
export type Counted = Message<'counted', { n: number }>

export interface EffectsSchema {
  effects: { event_id: string; key: string; n: number; instance: string; consumer: string }
}

export const effectsMigrations = [
  {
    id: '0001-effects',
    // No unique constraint: an effect that happens twice must be seen twice.
    sql: `create table effects (event_id text not null, key text not null, n int not null, instance text not null,
            consumer text not null, at bigint generated always as identity)`,
  },
]

export const counted = (
  topic: CountedTopic,
  group: Subscription['group'],
  handle: (message: Counted, tx: Tx<EffectsSchema>) => Promise<void>,
  options: { dedupe?: 'inbox' | 'none'; attemptsMax?: number } = {},
): Subscription =>
  subscribe<CountedTopic, EffectsSchema>({
    topic,
    group,
    dedupe: options.dedupe ?? 'inbox',
    on: { counted: handle },
    ...(options.attemptsMax === undefined ? {} : { attemptsMax: options.attemptsMax }),
  })

export const recordEffect = async (
  core: Core,
  tx: Tx<EffectsSchema>,
  message: Counted,
  consumer = '',
): Promise<void> => {
  await tx
    .insertInto('effects')
    .values({
      event_id: message.id,
      key: message.key,
      n: message.data.n,
      instance: core.environment.instance,
      consumer,
    })
    .execute()
}
