/**
 * The messages of opentelemetry-proto v1 as data: the number of each field, its name in the JSON mapping, and how it is
 * written. Only what is read here; other fields are skipped, as protobuf wants it.
 */

/** `hex`: bytes that are ids. `fixed64`: times and counts, as decimal strings. A message by its name; `*`: repeated. */
export type FieldForm =
  | 'string'
  | 'bool'
  | 'enum'
  | 'int64'
  | 'fixed64'
  | 'sfixed64'
  | 'double'
  | 'bytes'
  | 'hex'
  | 'fixed64*'
  | 'double*'
  | MessageName
  | `${MessageName}*`

type Message = Readonly<Record<number, readonly [name: string, form: FieldForm]>>

export type MessageName =
  | 'TracesRequest'
  | 'ResourceSpans'
  | 'Resource'
  | 'ScopeSpans'
  | 'Span'
  | 'Event'
  | 'Link'
  | 'Status'
  | 'KeyValue'
  | 'AnyValue'
  | 'ArrayValue'
  | 'KeyValueList'
  | 'LogsRequest'
  | 'ResourceLogs'
  | 'ScopeLogs'
  | 'LogRecord'
  | 'MetricsRequest'
  | 'ResourceMetrics'
  | 'ScopeMetrics'
  | 'Metric'
  | 'Gauge'
  | 'Sum'
  | 'Histogram'
  | 'NumberPoint'
  | 'HistogramPoint'

export const messages: Readonly<Record<MessageName, Message>> = {
  TracesRequest: { 1: ['resourceSpans', 'ResourceSpans*'] },
  ResourceSpans: { 1: ['resource', 'Resource'], 2: ['scopeSpans', 'ScopeSpans*'] },
  Resource: { 1: ['attributes', 'KeyValue*'] },
  ScopeSpans: { 2: ['spans', 'Span*'] },
  Span: {
    1: ['traceId', 'hex'],
    2: ['spanId', 'hex'],
    4: ['parentSpanId', 'hex'],
    5: ['name', 'string'],
    6: ['kind', 'enum'],
    7: ['startTimeUnixNano', 'fixed64'],
    8: ['endTimeUnixNano', 'fixed64'],
    9: ['attributes', 'KeyValue*'],
    11: ['events', 'Event*'],
    13: ['links', 'Link*'],
    15: ['status', 'Status'],
  },
  Event: { 1: ['timeUnixNano', 'fixed64'], 2: ['name', 'string'], 3: ['attributes', 'KeyValue*'] },
  Link: { 1: ['traceId', 'hex'], 2: ['spanId', 'hex'] },
  Status: { 2: ['message', 'string'], 3: ['code', 'enum'] },
  KeyValue: { 1: ['key', 'string'], 2: ['value', 'AnyValue'] },
  AnyValue: {
    1: ['stringValue', 'string'],
    2: ['boolValue', 'bool'],
    3: ['intValue', 'int64'],
    4: ['doubleValue', 'double'],
    5: ['arrayValue', 'ArrayValue'],
    6: ['kvlistValue', 'KeyValueList'],
    7: ['bytesValue', 'bytes'],
  },
  ArrayValue: { 1: ['values', 'AnyValue*'] },
  KeyValueList: { 1: ['values', 'KeyValue*'] },
  LogsRequest: { 1: ['resourceLogs', 'ResourceLogs*'] },
  ResourceLogs: { 1: ['resource', 'Resource'], 2: ['scopeLogs', 'ScopeLogs*'] },
  ScopeLogs: { 2: ['logRecords', 'LogRecord*'] },
  LogRecord: {
    1: ['timeUnixNano', 'fixed64'],
    2: ['severityNumber', 'enum'],
    3: ['severityText', 'string'],
    5: ['body', 'AnyValue'],
    6: ['attributes', 'KeyValue*'],
    9: ['traceId', 'hex'],
    10: ['spanId', 'hex'],
    11: ['observedTimeUnixNano', 'fixed64'],
  },
  MetricsRequest: { 1: ['resourceMetrics', 'ResourceMetrics*'] },
  ResourceMetrics: { 1: ['resource', 'Resource'], 2: ['scopeMetrics', 'ScopeMetrics*'] },
  ScopeMetrics: { 2: ['metrics', 'Metric*'] },
  Metric: { 1: ['name', 'string'], 5: ['gauge', 'Gauge'], 7: ['sum', 'Sum'], 9: ['histogram', 'Histogram'] },
  Gauge: { 1: ['dataPoints', 'NumberPoint*'] },
  Sum: { 1: ['dataPoints', 'NumberPoint*'], 2: ['aggregationTemporality', 'enum'], 3: ['isMonotonic', 'bool'] },
  Histogram: { 1: ['dataPoints', 'HistogramPoint*'], 2: ['aggregationTemporality', 'enum'] },
  NumberPoint: { 4: ['asDouble', 'double'], 6: ['asInt', 'sfixed64'], 7: ['attributes', 'KeyValue*'] },
  HistogramPoint: {
    4: ['count', 'fixed64'],
    5: ['sum', 'double'],
    6: ['bucketCounts', 'fixed64*'],
    7: ['explicitBounds', 'double*'],
    9: ['attributes', 'KeyValue*'],
  },
}
