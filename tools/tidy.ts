/**
 * Holds the rules of STYLE.md that matter too much for a paragraph. Prints each breach as `file:line: [rule] what`
 * and exits 1 if there is one. `node tools/tidy.ts`, or `npm run tidy`.
 */
import { join } from 'node:path'
import { checkUsed } from './tidy/dependencies.ts'
import { checkDead, checkEnvironment, checkLength } from './tidy/files.ts'
import { checkFunctions } from './tidy/functions.ts'
import { checkArrows, checkCycles, checkDeclared } from './tidy/imports.ts'
import { type Finding, type Project, readProject } from './tidy/project.ts'
import { checkCitations } from './tidy/references.ts'
import { checkRooms } from './tidy/rooms.ts'
import { checkExact, checkIntegrity, checkPlatforms, checkResolved } from './tidy/versions.ts'
import { checkWords } from './tidy/words.ts'

const rules: Record<string, (project: Project) => Finding[]> = {
  arrows: checkArrows,
  cycles: checkCycles,
  declared: checkDeclared,
  used: checkUsed,
  dead: checkDead,
  citations: checkCitations,
  rooms: checkRooms,
  environment: checkEnvironment,
  length: checkLength,
  functions: checkFunctions,
  exact: checkExact,
  resolved: checkResolved,
  platforms: checkPlatforms,
  integrity: checkIntegrity,
  words: checkWords,
}

const project = readProject(join(import.meta.dirname, '..'))
let findingCount = 0
for (const [rule, check] of Object.entries(rules)) {
  for (const { path, line, message } of check(project)) {
    findingCount++
    process.stdout.write(`${path}${line === undefined ? '' : `:${line}`}: [${rule}] ${message}\n`)
  }
}
process.stdout.write(
  `tidy: ${project.sources.length + project.pages.length} files, ${Object.keys(rules).length} rules, ${findingCount === 0 ? 'all in order' : `${findingCount} breaches`}\n`,
)
process.exitCode = findingCount === 0 ? 0 : 1
