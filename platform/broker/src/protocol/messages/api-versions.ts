import { array, bool, int16, int32, int64, message, string } from '../schema.ts'

export const apiVersionsRequest = message('ApiVersionsRequest', 3, {
  clientSoftwareName: string({ since: 3 }),
  clientSoftwareVersion: string({ since: 3 }),
})

export const apiVersionsResponse = message('ApiVersionsResponse', 3, {
  errorCode: int16(),
  apiKeys: array({ apiKey: int16(), minVersion: int16(), maxVersion: int16() }),
  throttleTimeMs: int32({ since: 1, default: 0 }),
  supportedFeatures: array(
    { name: string(), minVersion: int16(), maxVersion: int16() },
    { since: 3, tag: 0, default: [] },
  ),
  finalizedFeaturesEpoch: int64({ since: 3, tag: 1, default: -1n }),
  finalizedFeatures: array(
    { name: string(), maxVersionLevel: int16(), minVersionLevel: int16() },
    { since: 3, tag: 2, default: [] },
  ),
  zkMigrationReady: bool({ since: 3, tag: 3, default: false }),
})
