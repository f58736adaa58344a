/** What every refusal has to look like (RFC 9457 with our two members). */
import assert from 'node:assert/strict'
import { type ErrorCode, errorTable, type Problem } from '@svyaz/contracts/errors.ts'
import type { Answer } from '@svyaz/observe/http.ts'

/** Asserts a well-formed problem of that code. @returns the problem, for what else is to be said about it */
export function assertProblem(answer: Answer, code: ErrorCode, about = ''): Problem {
  const seen = `${about} ${answer.status} ${JSON.stringify(answer.body)}`
  assert.equal(answer.status, errorTable[code].status, seen)
  assert.match(answer.headers['content-type'] ?? '', /^application\/problem\+json/, seen)
  const problem = answer.body as Problem
  assert.equal(problem.code, code, seen)
  assert.equal(problem.status, answer.status, seen)
  assert.match(problem.traceId, /^[0-9a-f]{32}$/, seen)
  assert.ok(problem.title.length > 0 && problem.detail.length > 0 && problem.type.length > 0, seen)
  assert.doesNotMatch(JSON.stringify(problem), /\.ts:\d|node_modules|at [A-Za-z.]+ \(/, 'no stack traces')
  if (answer.status === 401) assert.match(answer.headers['www-authenticate'] ?? '', /^Bearer/, seen)
  return problem
}
