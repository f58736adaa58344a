/** What a service that brings its own server (`Parts.servers`) takes from the kit's: the same errors, calls and traces. */
export { deadlineHeader } from './deadline.ts'
export { validateRequest } from './http-validation.ts'
export { readJson } from './json.ts'
export { answerProblem, faultWriter, problemHeaders, problemMediaType, problemOf, toFailure } from './problem.ts'
export { callPolicy, createDependency, type Dependency, Unreached } from './resilience.ts'
export { parseTraceparent } from './tracing.ts'
