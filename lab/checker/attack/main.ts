/** `node lab/checker/attack/main.ts [seed]`: the attack suite against a system of its own; exit status 1 when it finds something. */

import { Person } from '@svyaz/observe/person.ts'
import { startSystem } from '@svyaz/system/testing'
import { loopback, subjectsOf } from './subjects.ts'
import { attackAll } from './suite.ts'

const seed = Number(process.argv[2] ?? Math.floor(Math.random() * 1e9))
await using system = await startSystem({ readyTimeoutMs: 150_000 })
const { token } = await Person.register(system.url('gateway'), 'mallory')
const startedAt = performance.now()
const { findings, carriedOut } = await attackAll({
  subjects: subjectsOf(system),
  seed,
  from: loopback(3),
  token,
  slow: true,
  found: ({ target, attack, what }) => console.log(`${target}: ${attack}: ${what}`),
})
const seconds = ((performance.now() - startedAt) / 1_000).toFixed(1)
console.log(`seed ${seed}: ${carriedOut} attacks in ${seconds} s, ${findings.length} findings`)
process.exitCode = findings.length === 0 ? 0 : 1
