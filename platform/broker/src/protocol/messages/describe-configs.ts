import { array, arrayOf, bool, int8, int16, int32, message, string } from '../schema.ts'

export const describeConfigsRequest = message('DescribeConfigsRequest', 4, {
  resources: array({
    /** 2 topic, 4 broker. */
    resourceType: int8(),
    resourceName: string(),
    /** null: all. */
    configurationKeys: arrayOf(string(), { nullableSince: 0 }),
  }),
  includeSynonyms: bool({ since: 1, default: false }),
  includeDocumentation: bool({ since: 3, default: false }),
})

export const describeConfigsResponse = message('DescribeConfigsResponse', 4, {
  throttleTimeMs: int32({ default: 0 }),
  results: array({
    errorCode: int16(),
    errorMessage: string({ nullableSince: 0, default: null }),
    resourceType: int8(),
    resourceName: string(),
    configs: array({
      name: string(),
      value: string({ nullableSince: 0 }),
      readOnly: bool(),
      isDefault: bool({ until: 0 }),
      /** 1 this topic, 4 the broker's start-up configuration, 5 the default. */
      configSource: int8({ since: 1, default: -1 }),
      isSensitive: bool(),
      synonyms: array(
        { name: string(), value: string({ nullableSince: 0 }), source: int8() },
        { since: 1, default: [] },
      ),
      /** 1 boolean, 2 string, 3 int, 5 long, 6 double, 7 list. */
      configType: int8({ since: 3, default: 0 }),
      documentation: string({ since: 3, nullableSince: 0, default: null }),
    }),
  }),
})
