import { array, arrayOf, bool, bytes, int16, int32, message, string } from '../schema.ts'

export const describeGroupsRequest = message('DescribeGroupsRequest', 5, {
  groups: arrayOf(string()),
  includeAuthorizedOperations: bool({ since: 3, default: false }),
})

export const describeGroupsResponse = message('DescribeGroupsResponse', 5, {
  throttleTimeMs: int32({ since: 1, default: 0 }),
  groups: array({
    errorCode: int16(),
    errorMessage: string({ since: 6, nullableSince: 6, default: null }),
    groupId: string(),
    groupState: string(),
    protocolType: string(),
    protocolData: string(),
    members: array({
      memberId: string(),
      groupInstanceId: string({ since: 4, nullableSince: 4, default: null }),
      clientId: string(),
      clientHost: string(),
      memberMetadata: bytes(),
      memberAssignment: bytes(),
    }),
    authorizedOperations: int32({ since: 3, default: -2_147_483_648 }),
  }),
})

export const listGroupsRequest = message('ListGroupsRequest', 3, {
  statesFilter: arrayOf(string(), { since: 4, default: [] }),
  typesFilter: arrayOf(string(), { since: 5, default: [] }),
})

export const listGroupsResponse = message('ListGroupsResponse', 3, {
  throttleTimeMs: int32({ since: 1, default: 0 }),
  errorCode: int16(),
  groups: array({
    groupId: string(),
    protocolType: string(),
    groupState: string({ since: 4 }),
    groupType: string({ since: 5 }),
  }),
})

export const deleteGroupsRequest = message('DeleteGroupsRequest', 2, {
  groupsNames: arrayOf(string()),
})

export const deleteGroupsResponse = message('DeleteGroupsResponse', 2, {
  throttleTimeMs: int32({ default: 0 }),
  results: array({ groupId: string(), errorCode: int16() }),
})
