/** The Kafka client, loaded without the cost of what we do not use of it. All files here import it from this one. */
import { compileAtOnce } from './late-validators.ts'

export * from '@platformatic/kafka'

compileAtOnce()
