/** Topics and the WebSocket → AsyncAPI 3.0. Pure: the document is what the services publish and read by. */
import { z } from 'zod'
import {
  bearerSubprotocolPrefix,
  clientMessage,
  serverMessage,
  streamPath,
  subprotocol,
} from './socket/notifications.ts'
import { deadLetterTopic, type Topic } from './vocabulary.ts'

type Json = { [name: string]: unknown }

/** AsyncAPI's own schema dialect is JSON Schema draft 7. */
const schemaOf = (schema: z.ZodType): Json => {
  const { $schema: _dialect, ...json } = z.toJSONSchema(schema, { target: 'draft-7', io: 'output' })
  return json
}

/** CloudEvents 1.0, binary mode of the Kafka binding, and W3C Trace Context. */
const eventHeaders: Json = {
  type: 'object',
  required: ['ce_specversion', 'ce_id', 'ce_type', 'ce_source', 'ce_subject', 'ce_time', 'content-type'],
  properties: {
    ce_specversion: { type: 'string', const: '1.0' },
    ce_id: { type: 'string', description: 'Stays the same when the event is sent again' },
    ce_type: { type: 'string' },
    ce_source: { type: 'string', description: 'The service that writes, as a URI reference' },
    ce_subject: { type: 'string', description: 'The aggregate' },
    ce_time: { type: 'string', format: 'date-time' },
    'content-type': { type: 'string', const: 'application/json' },
    traceparent: { type: 'string', description: 'W3C Trace Context of what caused the event' },
  },
}

const pascal = (name: string): string =>
  name
    .split(/[^A-Za-z0-9]+/)
    .map((word) => word.charAt(0).toUpperCase() + word.slice(1))
    .join('')

const messageName = (topic: Topic, type: string): string => `${pascal(topic.name)}.${pascal(type)}`

const messagesOf = (topic: Topic): [string, Json][] =>
  Object.entries(topic.events).map(([type, schema]) => [
    messageName(topic, type),
    {
      name: type,
      title: type,
      contentType: 'application/json',
      headers: { $ref: '#/components/schemas/EventHeaders' },
      payload: schemaOf(schema),
      bindings: { kafka: { key: { type: 'string', description: topic.key }, bindingVersion: '0.5.0' } },
    },
  ])

const channelOf = (topic: Topic): Json => ({
  address: topic.name,
  title: topic.name,
  summary: topic.summary,
  description: [
    topic.kind === 'task'
      ? 'A work queue: each message goes to one worker of the group.'
      : 'Publish/subscribe: every group of readers gets each event.',
    `Key: ${topic.key}; order holds per key.`,
    `What a reader fails on for good goes to ${deadLetterTopic(topic.name)}.`,
  ].join(' '),
  servers: [{ $ref: '#/servers/broker' }],
  messages: Object.fromEntries(messagesOf(topic).map(([name]) => [name, { $ref: `#/components/messages/${name}` }])),
  bindings: { kafka: { topic: topic.name, partitions: topic.partitions, bindingVersion: '0.5.0' } },
})

const operationsOf = (topic: Topic): [string, Json][] => {
  const channel = { $ref: `#/channels/${topic.name}` }
  const messages = messagesOf(topic).map(([name]) => ({ $ref: `#/channels/${topic.name}/messages/${name}` }))
  const operation = (service: string, action: 'send' | 'receive'): [string, Json] => [
    `${service}.${action}.${topic.name}`,
    { action, channel, messages, title: `${service} ${action}s`, 'x-service': service },
  ]
  return [operation(topic.writer, 'send'), ...topic.readers.map((reader) => operation(reader, 'receive'))]
}

/** The options of a union of messages, named by their `type`. */
const socketMessages = (union: z.ZodDiscriminatedUnion): [string, Json][] =>
  union.options.map((option) => {
    const payload = schemaOf(option as z.ZodType) as { properties?: { type?: { const?: string } } }
    const type = payload.properties?.type?.const ?? 'message'
    return [
      `Socket.${pascal(type)}`,
      { name: type, title: type, contentType: 'application/json', payload: payload as Json },
    ]
  })

const streamChannel = 'notifications.stream'

const socketParts = () => {
  const sent = socketMessages(serverMessage)
  const received = socketMessages(clientMessage)
  const all = [...sent, ...received]
  const refs = (messages: [string, Json][]) =>
    messages.map(([name]) => ({ $ref: `#/channels/${streamChannel}/messages/${name}` }))
  const operation = (action: 'send' | 'receive', messages: [string, Json][]): Json => ({
    action,
    channel: { $ref: `#/channels/${streamChannel}` },
    messages: refs(messages),
    'x-service': 'notifications',
  })
  return {
    messages: all,
    channel: {
      address: streamPath,
      title: streamPath,
      summary: "A user's notifications as they happen, through the gateway",
      description: `A WebSocket. Sign in by Authorization on the upgrade, or by the subprotocols ${subprotocol}, ${bearerSubprotocolPrefix}<access token>.`,
      servers: [{ $ref: '#/servers/gateway' }],
      messages: Object.fromEntries(all.map(([name]) => [name, { $ref: `#/components/messages/${name}` }])),
      bindings: {
        ws: {
          method: 'GET',
          query: {
            type: 'object',
            properties: {
              cursor: { type: 'integer', minimum: 0, description: 'Resume after this frame' },
              from: { type: 'string', enum: ['now'], description: 'Start at the present instead' },
            },
          },
          bindingVersion: '0.1.0',
        },
      },
    },
    operations: [
      [`notifications.send.${streamChannel}`, operation('send', sent)],
      [`notifications.receive.${streamChannel}`, operation('receive', received)],
    ] as [string, Json][],
  }
}

/** The document of these topics and of the WebSocket. Hosts are those of the embedded profile. */
export const asyncApiDocument = (topics: readonly Topic[], info: { title: string; version: string }): Json => {
  const socket = socketParts()
  return {
    asyncapi: '3.0.0',
    info: { ...info, license: { name: 'MIT' } },
    defaultContentType: 'application/json',
    servers: {
      broker: { host: '127.0.0.1:9092', protocol: 'kafka', description: 'The embedded broker, or Apache Kafka' },
      gateway: { host: '127.0.0.1:8080', protocol: 'ws', description: 'The gateway' },
    },
    channels: {
      ...Object.fromEntries(topics.map((topic) => [topic.name, channelOf(topic)])),
      [streamChannel]: socket.channel,
    },
    operations: Object.fromEntries([...topics.flatMap(operationsOf), ...socket.operations]),
    components: {
      schemas: { EventHeaders: eventHeaders },
      messages: Object.fromEntries([...topics.flatMap(messagesOf), ...socket.messages]),
    },
  }
}
