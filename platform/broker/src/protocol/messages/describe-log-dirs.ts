import { array, arrayOf, bool, int16, int32, int64, message, string } from '../schema.ts'

export const describeLogDirsRequest = message('DescribeLogDirsRequest', 2, {
  /** null: all. */
  topics: array({ topic: string(), partitions: arrayOf(int32()) }, { nullableSince: 0 }),
})

export const describeLogDirsResponse = message('DescribeLogDirsResponse', 2, {
  throttleTimeMs: int32({ default: 0 }),
  errorCode: int16({ since: 3, default: 0 }),
  results: array({
    errorCode: int16(),
    logDir: string(),
    topics: array({
      name: string(),
      partitions: array({
        partitionIndex: int32(),
        partitionSize: int64(),
        offsetLag: int64(),
        isFutureKey: bool(),
      }),
    }),
    /** Of the volume; -1: not told. */
    totalBytes: int64({ since: 4, default: -1n }),
    usableBytes: int64({ since: 4, default: -1n }),
  }),
})
