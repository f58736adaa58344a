/** What the proof that runs, or ran last, has said and says. */
import { useEffect, useState } from 'react'
import { live } from '../../live/connection.ts'
import { emptyOutput, type Output, withLine } from './output.ts'

interface Said extends Output {
  readonly failed?: unknown
}

/**
 * Reads from the first line on.
 * @param run which run: another value reads again
 * @param ended is called when it has ended
 */
export function useOutput(run: string, ended: () => void): Said {
  const [said, setSaid] = useState<Said>(emptyOutput)
  // biome-ignore lint/correctness/useExhaustiveDependencies: `ended` is another function each time, and means the same
  useEffect(() => {
    setSaid(emptyOutput)
    const gone = new AbortController()
    const read = async () => {
      for await (const line of live.proof(gone.signal)) setSaid((before) => withLine(before, line))
    }
    read()
      .then(ended)
      .catch((failed: unknown) => !gone.signal.aborted && setSaid((before) => ({ ...before, failed })))
    return () => gone.abort()
  }, [run])
  return said
}
