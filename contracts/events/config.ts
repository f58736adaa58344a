import { z } from 'zod'
import { storedText, time } from '../primitives.ts'
import { serviceNames, topic } from '../vocabulary.ts'

export const configEvents = topic({
  name: 'config.events',
  summary: 'Configuration changed: read it again',
  writer: 'config',
  readers: serviceNames,
  broadcastTo: serviceNames,
  key: 'application',
  partitions: 6,
  kind: 'event',
  events: {
    'config.changed': z.strictObject({
      application: storedText,
      profile: storedText,
      names: z.array(storedText),
      version: z.int().min(1),
      at: time,
    }),
  },
})
