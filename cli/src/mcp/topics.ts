/** Tools about topics, their records and dead letters. */
import { z } from 'zod'
import { CliError } from '../errors.ts'
import { runCommand } from './run-command.ts'
import { tool } from './tool.ts'

const topic = z.string().min(1).max(249)

/** Those that only look. */
export const topicTools = [
  tool({
    name: 'topics',
    title: 'Topics and who reads them',
    description:
      'Every topic with partitions, records and bytes, and each group that reads it with its lag and members. A lag that grows or a group without members is a consumer that is away. What each carries: the resource svyaz://topology.',
    input: z.strictObject({ topic: topic.optional().describe('this one and its dead letters alone') }),
    run: async ({ topic: one }, place) => {
      const { topics } = await import('../topics.ts')
      const { values } = await runCommand(topics, place)
      const { topics: all } = values[0] as { topics: { name: string; groups: { lag: number }[] }[] }
      const chosen = one === undefined ? all : all.filter(({ name }) => name === one || name === `${one}.dlq`)
      if (chosen.length === 0)
        throw new CliError(`there is no topic "${one}"; there are ${all.map(({ name }) => name).join(', ')}`)
      const lagOf = ({ groups }: (typeof all)[number]) => groups.reduce((sum, { lag }) => sum + lag, 0)
      return { topics: chosen.sort((a, b) => lagOf(b) - lagOf(a)) }
    },
  }),
  tool({
    name: 'records',
    title: 'Records of a topic',
    description:
      'The newest records of a topic, newest first: key, event type, headers, value, trace. With `key` those of one order or user, with `where` those with something in their value, from all that is kept. No consumer notices.',
    input: z.strictObject({
      topic,
      key: z.string().max(500).optional().describe('e.g. the id of an order'),
      where: z.string().max(500).optional().describe('e.g. status=paid, items[*].productId=P-1001'),
      limit: z.int().min(1).max(200).default(20),
    }),
    run: async ({ topic: name, key, where, limit }, place) => {
      const { topics } = await import('../topics.ts')
      const { values } = await runCommand(topics, place, [name], { key, where, lines: String(limit) })
      return { topic: name, count: values.length, records: values.toReversed() }
    },
  }),
  tool({
    name: 'dead_letters',
    title: 'What consumers gave up on',
    description:
      'Dead letters, outstanding ones first: which event, which consumer, with what error, after how many attempts. With `letter` (`<topic>/<partition>/<offset>`, as the list names it) one in full, with headers and value.',
    input: z.strictObject({
      topic: topic.optional(),
      consumer: z.string().max(100).optional(),
      letter: z.string().max(300).optional(),
    }),
    run: async ({ topic: name, consumer, letter }, place) => {
      const { dlq } = await import('../dlq.ts')
      if (letter !== undefined)
        return (await runCommand(dlq, place, ['show', letter])).values[0] as object & Record<string, unknown>
      const asked = name === undefined ? ['list'] : ['list', name]
      const { letters } = (await runCommand(dlq, place, asked, { consumer })).values[0] as { letters: Listed[] }
      const states = ['outstanding', 'sent back', 'settled']
      const counts = Object.fromEntries(
        states.map((state) => [state, letters.filter((one) => one.state === state).length]),
      )
      return { counts, letters: letters.sort((a, b) => states.indexOf(a.state) - states.indexOf(b.state)) }
    },
  }),
]

interface Listed {
  readonly state: string
}

/** Those that do something. */
export const topicChanges = [
  tool({
    name: 'write_record',
    title: 'Write an event to a topic',
    description:
      'Writes one event to a topic. It must keep the contract of the topic, else it is refused with each fault; every consumer then handles it as if a service had written it. `records` shows what such an event looks like.',
    input: z.strictObject({
      topic,
      type: z.string().min(1).max(200).describe('an event of the topic, e.g. user.unblocked'),
      key: z.string().min(1).max(500),
      value: z.record(z.string(), z.json()),
    }),
    changes: true,
    run: async ({ topic: name, type, key, value }, place) => {
      const { topics } = await import('../topics.ts')
      const { values } = await runCommand(topics, place, [name], { write: type, key, value: JSON.stringify(value) })
      return values[0] as Record<string, unknown>
    },
  }),
  tool({
    name: 'replay_dead_letters',
    title: 'Send dead letters back',
    description:
      'Sends dead letters of a topic back to the consumer that failed, and to nobody else; its inbox takes each once. Says what became of each within ten seconds. First with `dry_run: true`, and only when the cause is mended: `dead_letters` shows it.',
    input: z.strictObject({
      topic,
      event_ids: z
        .array(z.string().min(1).max(200))
        .min(1)
        .max(500)
        .optional()
        .describe('absent: all that are outstanding'),
      consumer: z.string().max(100).optional().describe('letters of this consumer only'),
      dry_run: z.boolean().default(true).describe('say what would be sent, change nothing (the default)'),
    }),
    changes: true,
    run: async ({ topic: name, event_ids: ids, consumer, dry_run: dryRun }, place) => {
      const { dlq } = await import('../dlq.ts')
      const which = ids === undefined ? { all: true } : { id: ids.join(',') }
      const { values } = await runCommand(dlq, place, ['replay', name], { ...which, consumer, 'dry-run': dryRun })
      return values[0] as Record<string, unknown>
    },
  }),
]
