/** What may be asked of the console's server over HTTP: one list, made of what each part of it answers. */
import { assignmentRoutes } from './assignment-routes.ts'
import { backChannelRoutes } from './back-channel-routes.ts'
import { configRoutes } from './config-routes.ts'
import { discoveryRoutes } from './discovery-routes.ts'
import { examinationRoutes } from './examination.ts'
import { exploreRoutes } from './explore-routes.ts'
import { faultRoutes } from './fault-routes.ts'
import { logRoutes } from './log-routes.ts'
import { mailRoutes } from './mail-routes.ts'
import { orderRoutes } from './order-routes.ts'
import { processRoutes } from './process-routes.ts'
import { raceRoutes } from './race-routes.ts'
import type { Parts, Route } from './route.ts'
import { sagaRoutes } from './saga-routes.ts'
import { signInRoutes } from './sign-in-routes.ts'
import { telemetryRoutes } from './telemetry-routes.ts'
import { topicRoutes } from './topic-routes.ts'

/** Everything that the console’s server answers to its pages, in the order in which it is looked up. */
export const routesOf = (parts: Parts): readonly Route[] => [
  ...signInRoutes(parts),
  ...backChannelRoutes(parts),
  ...orderRoutes(parts),
  ...processRoutes(parts),
  ...logRoutes(parts),
  ...telemetryRoutes(parts),
  ...topicRoutes(parts),
  ...configRoutes(parts),
  ...mailRoutes(parts),
  ...exploreRoutes(parts),
  ...discoveryRoutes(parts),
  ...raceRoutes(parts),
  ...sagaRoutes(parts),
  ...faultRoutes(parts),
  ...assignmentRoutes(parts),
  ...examinationRoutes(parts),
]
