/** What the bench tells a process of the peer, by its environment. */

const text = (name: string): string => {
  const value = process.env[name]
  if (value === undefined || value === '') throw new Error(`${name} is not set: lab/bench/orders/peer-stack.ts sets it`)
  return value
}

export const config = {
  port: () => Number(text('PORT')),
  grpcAddress: () => text('INVENTORY_GRPC'),
  databaseUrl: () => text('DATABASE_URL'),
  kafkaBrokers: () => text('KAFKA_BROKERS').split(','),
  /** Of topics and groups; on a Kafka that others use too, nothing of theirs is touched. */
  namePrefix: () => process.env.NAME_PREFIX ?? '',
  usersUrl: () => text('USERS_URL'),
  processorUrl: () => text('PROCESSOR_URL'),
  smtpUrl: () => text('SMTP_URL'),
  jwtSecret: () => text('JWT_SECRET'),
  /** How long the carrier takes to fetch a parcel, and to bring it. */
  shipAfterMs: () => Number(text('SHIP_AFTER_MS')),
  deliverAfterMs: () => Number(text('DELIVER_AFTER_MS')),
}

/** Of each service: as many statements at once as one process of this load can use. */
export const databaseConnectionsMax = 10
export const httpConnectionsMax = 50
export const smtpConnectionsMax = 5
export const keepAliveMs = 65_000
/** Of every topic; a process handles as many of its partitions at once. */
export const partitions = 6
