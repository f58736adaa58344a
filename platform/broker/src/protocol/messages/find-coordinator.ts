import { array, arrayOf, int8, int16, int32, message, string } from '../schema.ts'

export const findCoordinatorRequest = message('FindCoordinatorRequest', 3, {
  key: string({ until: 3 }),
  /** 0 group, 1 transaction, 2 share group. */
  keyType: int8({ since: 1, default: 0 }),
  coordinatorKeys: arrayOf(string(), { since: 4 }),
})

export const findCoordinatorResponse = message('FindCoordinatorResponse', 3, {
  throttleTimeMs: int32({ since: 1, default: 0 }),
  errorCode: int16({ until: 3 }),
  errorMessage: string({ since: 1, until: 3, nullableSince: 1 }),
  nodeId: int32({ until: 3 }),
  host: string({ until: 3 }),
  port: int32({ until: 3 }),
  coordinators: array(
    {
      key: string(),
      nodeId: int32(),
      host: string(),
      port: int32(),
      errorCode: int16(),
      errorMessage: string({ nullableSince: 4, default: null }),
    },
    { since: 4, default: [] },
  ),
})
