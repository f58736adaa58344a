/**
 * DescribeConfigs (key 32): the settings of topics and of the broker, each with its value and where that comes from.
 *
 * Promises every setting that exists here, defaults included.
 * Versions: 1 adds the source and synonyms; 3 types and documentation.
 * Absent: version 0; groups, client metrics and loggers as resources (INVALID_REQUEST).
 */
import type { Broker, Caller } from '../broker.ts'
import { errorCode } from '../protocol/error-codes.ts'
import { describeConfigsRequest, describeConfigsResponse } from '../protocol/messages/describe-configs.ts'
import type { DecodedMessage, EncodableMessage } from '../protocol/schema.ts'
import { brokerConfigs } from '../topics/broker-configs.ts'
import { type ConfigType, documentationOf, topicConfigs } from '../topics/topic-configs.ts'
import { api } from './api.ts'

type Request = DecodedMessage<typeof describeConfigsRequest>
type Result = EncodableMessage<typeof describeConfigsResponse>['results'][number]

const TOPIC = 2
const BROKER = 4
const source = Object.freeze({ topic: 1, static: 4, default: 5 })
const typeNumber: Readonly<Record<ConfigType, number>> = { boolean: 1, string: 2, int: 3, long: 5, double: 6, list: 7 }

interface Setting {
  readonly name: string
  readonly value: string
  readonly source: number
  readonly readOnly: boolean
  readonly type: ConfigType
  readonly documentation: string
  readonly default: string
}

export const describeConfigsApi = api({
  key: 32,
  name: 'DescribeConfigs',
  min: 1,
  max: 4,
  scheduling: 'inline',
  request: describeConfigsRequest,
  response: describeConfigsResponse,
  handler: handleDescribeConfigs,
})

/** DescribeConfigs (32): settings of topics and of the broker, each with its source. */
function handleDescribeConfigs(
  broker: Broker,
  _caller: Caller,
  request: Request,
): EncodableMessage<typeof describeConfigsResponse> {
  return { results: request.resources.map((resource) => describe(broker, resource, request)) }
}

function describe(broker: Broker, resource: Request['resources'][number], request: Request): Result {
  const { resourceType, resourceName, configurationKeys } = resource
  const refused = (code: number, errorMessage: string): Result => ({
    errorCode: code,
    errorMessage,
    resourceType,
    resourceName,
    configs: [],
  })
  let settings: readonly Setting[]
  if (resourceType === TOPIC) {
    const topic = broker.topics.get(resourceName)
    if (topic === undefined) return refused(errorCode.UNKNOWN_TOPIC_OR_PARTITION, `no topic ${resourceName}`)
    settings = topicConfigs.map((config) => ({
      ...config,
      documentation: documentationOf(config),
      value: topic.configs[config.name] ?? config.default,
      source: config.name in topic.configs ? source.topic : source.default,
      readOnly: false,
    }))
  } else if (resourceType === BROKER) {
    // An empty name asks for the defaults of all brokers, of which none can be set here.
    if (resourceName === '') return { errorCode: errorCode.NONE, resourceType, resourceName, configs: [] }
    if (resourceName !== String(broker.nodeId)) {
      return refused(errorCode.INVALID_REQUEST, `the only broker is ${broker.nodeId}`)
    }
    settings = brokerConfigs(broker).map((config) => ({ ...config, source: source.static, readOnly: true }))
  } else {
    return refused(errorCode.INVALID_REQUEST, 'topics (2) and brokers (4) have settings here')
  }
  const wanted = configurationKeys === null ? null : new Set(configurationKeys)
  return {
    errorCode: errorCode.NONE,
    resourceType,
    resourceName,
    configs: settings
      .filter(({ name }) => wanted === null || wanted.has(name))
      .map((setting) => answer(setting, request)),
  }
}

function answer(setting: Setting, { includeSynonyms, includeDocumentation }: Request): Result['configs'][number] {
  const synonyms = [{ name: setting.name, value: setting.value, source: setting.source }]
  if (setting.source !== source.default) {
    synonyms.push({ name: setting.name, value: setting.default, source: source.default })
  }
  return {
    name: setting.name,
    value: setting.value,
    readOnly: setting.readOnly,
    configSource: setting.source,
    isSensitive: false,
    synonyms: includeSynonyms ? synonyms : [],
    configType: typeNumber[setting.type],
    documentation: includeDocumentation ? setting.documentation : null,
  }
}
