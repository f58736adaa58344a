/** @returns {{platform: string, architecture: string, nodeVersion: string, glibc: string | undefined}} */
export function describeMachine() {
  return {
    platform: process.platform,
    architecture: process.arch,
    nodeVersion: process.versions.node,
    glibc: process.platform === 'linux' ? glibcVersion() : undefined,
  }
}

function glibcVersion() {
  // Without this the report resolves the name of every peer, which takes seconds on a broken network.
  process.report.excludeNetwork = true
  const report = process.report.getReport()
  return (typeof report === 'string' ? JSON.parse(report) : report).header.glibcVersionRuntime
}
