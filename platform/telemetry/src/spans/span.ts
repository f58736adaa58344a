/** A span as it is stored and answered. Field names are those of OTLP (trace.proto). */
export type Span = {
  /** 32 hex digits in small letters. */
  readonly traceId: string
  /** 16 hex digits in small letters. */
  readonly spanId: string
  /** Absent on a root. */
  readonly parentSpanId?: string
  readonly name: string
  readonly kind: SpanKind
  /** Resource attribute `service.name`. */
  readonly service: string
  /** Resource attribute `service.instance.id`, empty when not given. */
  readonly instance: string
  /** Decimal: nanoseconds don't fit into a JavaScript number. */
  readonly startTimeUnixNano: string
  readonly endTimeUnixNano: string
  readonly attributes: Attributes
  readonly status: { readonly code: StatusCode; readonly message?: string }
  readonly links: readonly SpanReference[]
  readonly events: readonly { readonly name: string; readonly timeUnixNano: string; readonly attributes: Attributes }[]
}

/** In the order of trace.proto, where internal is 1. */
export const spanKinds = ['internal', 'server', 'client', 'producer', 'consumer'] as const
export type SpanKind = (typeof spanKinds)[number]
export type StatusCode = 'unset' | 'ok' | 'error'
export type SpanReference = { readonly traceId: string; readonly spanId: string }
export type AttributeValue =
  | string
  | number
  | boolean
  | null
  | readonly AttributeValue[]
  | { readonly [key: string]: AttributeValue }
export type Attributes = Readonly<Record<string, AttributeValue>>
