/** What a service that brings its own server (`Parts.servers`) takes from the kit's: the same errors, calls and traces. */
export { deadlineHeader } from './calls/deadline.ts'
export { callPolicy, createDependency, type Dependency, Unreached } from './calls/resilience.ts'
export { callerLeft, endOfExchange } from './http/end-of-exchange.ts'
export { readJson } from './http/json.ts'
export { answerProblem, faultWriter, problemHeaders, problemMediaType, problemOf, toFailure } from './http/problem.ts'
export { validateRequest } from './http/validation.ts'
export { parseTraceparent } from './tracing/tracing.ts'
