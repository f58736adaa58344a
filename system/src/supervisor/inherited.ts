/** What every process gets, whichever it is: of the terminal's environment, and for its memory. */

/**
 * glibc keeps freed memory for each thread that ever asked for some, and stops giving large blocks back once it has seen
 * one freed: a password's hash (19 MB on one of Node's four threads) would stay with the process for ever. Fixed
 * thresholds give blocks back as they are freed (mallopt(3)); other C libraries don't read these.
 */
export const allocator = { MALLOC_ARENA_MAX: '2', MALLOC_MMAP_THRESHOLD_: '262144', MALLOC_TRIM_THRESHOLD_: '262144' }

/** A child starts from the user's variables, without those that steer this process or a test run around it. */
export function inheritable(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const ours = /^(?:SVYAZ_|npm_|NODE_TEST_CONTEXT$|NODE_OPTIONS$|NODE_CHANNEL_)/
  return Object.fromEntries(Object.entries(env).filter(([name]) => !ours.test(name)))
}

/** Mapping a stack reads megabytes in each process: only on request. */
export const sourceMapFlags = (env: NodeJS.ProcessEnv): string[] =>
  env.SVYAZ_DEBUG === '1' ? ['--enable-source-maps'] : []
