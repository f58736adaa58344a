/**
 * DescribeGroups, ListGroups, DeleteGroups (keys 15, 16, 42).
 *
 * Promises the state as it is now. A group that has only committed offsets is listed and described as Empty. A group
 * is deleted, with its offsets, only while it has no members.
 * Versions: DescribeGroups 6 answers GROUP_ID_NOT_FOUND where earlier ones describe a dead group; ListGroups 4 filters
 * by state, 5 by type, which is always "classic".
 * Absent: authorized operations.
 */
import type { Broker, Caller } from '../broker.ts'
import type { Group } from '../groups/group.ts'
import { metadataOf } from '../groups/rebalance.ts'
import { errorCode } from '../protocol/error-codes.ts'
import * as messages from '../protocol/messages/group-admin.ts'
import type { DecodedMessage, EncodableMessage } from '../protocol/schema.ts'
import { api } from './api.ts'
import { faultOfGroupId } from './group-membership.ts'

type Described = EncodableMessage<typeof messages.describeGroupsResponse>['groups'][number]

const NOT_FOUND_SINCE = 6
const NOTHING = Buffer.alloc(0)

export const describeGroupsApi = api({
  key: 15,
  name: 'DescribeGroups',
  min: 0,
  max: 6,
  scheduling: 'inline',
  request: messages.describeGroupsRequest,
  response: messages.describeGroupsResponse,
  handler: handleDescribeGroups,
})

/** DescribeGroups (15): state, protocol and members of groups; one that is not known is `Dead`. */
function handleDescribeGroups(
  broker: Broker,
  caller: Caller,
  request: DecodedMessage<typeof messages.describeGroupsRequest>,
): EncodableMessage<typeof messages.describeGroupsResponse> {
  return { groups: request.groups.map((groupId) => describe(broker, caller, groupId)) }
}

function describe(broker: Broker, caller: Caller, groupId: string): Described {
  const nobody = { groupId, protocolType: '', protocolData: '', members: [] }
  const fault = faultOfGroupId(groupId)
  if (fault !== errorCode.NONE) return { ...nobody, errorCode: fault, groupState: 'Dead' }
  const group = broker.groups.get(groupId)
  if (group === undefined) {
    if (broker.offsets.of(groupId).size > 0) return { ...nobody, errorCode: errorCode.NONE, groupState: 'Empty' }
    if (caller.apiVersion < NOT_FOUND_SINCE) return { ...nobody, errorCode: errorCode.NONE, groupState: 'Dead' }
    const errorMessage = `no group ${groupId}`
    return { ...nobody, errorCode: errorCode.GROUP_ID_NOT_FOUND, errorMessage, groupState: 'Dead' }
  }
  const isStable = group.phase === 'Stable'
  return {
    errorCode: errorCode.NONE,
    groupId,
    groupState: group.phase,
    protocolType: group.protocolType ?? '',
    protocolData: isStable ? (group.protocolName ?? '') : '',
    members: [...group.members.values()].map((member) => ({
      memberId: member.memberId,
      groupInstanceId: member.groupInstanceId,
      clientId: member.clientId,
      clientHost: member.clientHost,
      memberMetadata: (isStable && metadataOf(member, group.protocolName)) || NOTHING,
      memberAssignment: isStable ? member.assignment : NOTHING,
    })),
  }
}

export const listGroupsApi = api({
  key: 16,
  name: 'ListGroups',
  min: 0,
  max: 5,
  scheduling: 'inline',
  request: messages.listGroupsRequest,
  response: messages.listGroupsResponse,
  handler: handleListGroups,
})

/** ListGroups (16), filtered by state where the request asks for it. */
function handleListGroups(
  broker: Broker,
  _caller: Caller,
  request: DecodedMessage<typeof messages.listGroupsRequest>,
): EncodableMessage<typeof messages.listGroupsResponse> {
  const listed = [...allGroups(broker)]
    .filter(({ groupState }) => isWanted(request.statesFilter, groupState))
    .filter(() => isWanted(request.typesFilter, 'classic'))
  return { errorCode: errorCode.NONE, groups: listed.map((group) => ({ ...group, groupType: 'classic' })) }
}

function isWanted(filter: readonly string[], value: string): boolean {
  return filter.length === 0 || filter.some((wanted) => wanted.toLowerCase() === value.toLowerCase())
}

function* allGroups(broker: Broker): Iterable<{ groupId: string; protocolType: string; groupState: Group['phase'] }> {
  const seen = new Set<string>()
  for (const { groupId, protocolType, phase } of broker.groups.all()) {
    seen.add(groupId)
    yield { groupId, protocolType: protocolType ?? '', groupState: phase }
  }
  for (const groupId of broker.offsets.groups()) {
    if (!seen.has(groupId)) yield { groupId, protocolType: '', groupState: 'Empty' }
  }
}

export const deleteGroupsApi = api({
  key: 42,
  name: 'DeleteGroups',
  min: 0,
  max: 2,
  scheduling: 'inline',
  request: messages.deleteGroupsRequest,
  response: messages.deleteGroupsResponse,
  handler: handleDeleteGroups,
})

/** DeleteGroups (42): groups without members, with their offsets. */
async function handleDeleteGroups(
  broker: Broker,
  _caller: Caller,
  request: DecodedMessage<typeof messages.deleteGroupsRequest>,
): Promise<EncodableMessage<typeof messages.deleteGroupsResponse>> {
  const results = await Promise.all(
    request.groupsNames.map(async (groupId) => ({ groupId, errorCode: await deleteGroup(broker, groupId) })),
  )
  return { results }
}

async function deleteGroup(broker: Broker, groupId: string): Promise<number> {
  const group = broker.groups.get(groupId)
  if (group === undefined && broker.offsets.of(groupId).size === 0) return errorCode.GROUP_ID_NOT_FOUND
  if (group !== undefined && (group.members.size > 0 || group.pending.size > 0)) return errorCode.NON_EMPTY_GROUP
  const offsets = broker.offsets.forgetGroup(groupId)
  await Promise.all([broker.groups.forget(groupId), offsets.length > 0 && broker.log.append(offsets)])
  return errorCode.NONE
}
