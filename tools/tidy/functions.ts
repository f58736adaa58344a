/** A function fits a screen; no file is excused. */
import { type Finding, isGenerated, type Project } from './project.ts'
import { functionLinesMax } from './source.ts'

/** Each function that is longer. */
export function checkFunctions(project: Project): Finding[] {
  return project.sources.flatMap(({ path, longFunctions }) =>
    isGenerated(path)
      ? []
      : longFunctions.map(({ line, lineCount }) => ({
          path,
          line,
          message: `a function of ${lineCount} lines; ${functionLinesMax} fit a screen: state with several methods is a class, steps are functions`,
        })),
  )
}
