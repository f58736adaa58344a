/**
 * What a bundle reads beside itself. A bundled module believes that it lies where its source lay (decision 0015), so
 * its places are in the bundle as text, and an image must hold the files that are read from there, and no others.
 */

/** What modules of a package want from their place: files that must come along, or why none need to. */
export type PlaceRule = { readonly files: readonly string[] } | { readonly none: string }

/** By package, or by folder of ours. A place without a rule fails the build: its files would be missed at run time. */
export const placeRules: Readonly<Record<string, PlaceRule>> = {
  'node_modules/@platformatic/wasm-utils': { files: ['node_modules/@platformatic/wasm-utils/dist/native.wasm'] },
  'node_modules/@platformatic/kafka': { none: 'asks for optional native packages; without them it uses the .wasm' },
  'node_modules/@grpc/grpc-js': { none: 'reads .proto files of its admin services alone, which we do not start' },
  'node_modules/pino': { none: 'starts worker threads for transports alone; ours writes to standard output' },
  'node_modules/thread-stream': { none: 'the same worker threads' },
  'node_modules/undici': { none: 'cleans its own path out of stack traces' },
  'node_modules/ioredis': { none: 'cleans its own path out of stack traces' },
  'services/gateway': {
    files: [
      'node_modules/swagger-ui-dist/package.json',
      'node_modules/swagger-ui-dist/swagger-ui.css',
      'node_modules/swagger-ui-dist/swagger-ui-bundle.js',
      'node_modules/swagger-ui-dist/favicon-16x16.png',
      'node_modules/swagger-ui-dist/favicon-32x32.png',
    ],
  },
  'console/bff': { none: 'builds its page from sources, unless it is given one, as in its image' },
  'platform/broker': { none: 'knows its entry alone' },
}

/**
 * Pure. The files that a bundle needs, relative to the root.
 *
 * @param root where the sources lay when it was built, absolute
 * @param entry path of the entry, relative to the root: each file of a bundle names it
 * @param text all files of the bundle
 * @throws Error naming every place without a rule
 */
export function assetsOf(root: string, entry: string, text: string): string[] {
  const places = [...text.matchAll(/"(?:file:\/\/)?(\/[^"\n]+)"/g)]
    .map(([, path = '']) => path)
    .filter((path) => path.startsWith(`${root}/`))
    .map((path) => path.slice(root.length + 1))
  const known = new Set([entry, 'package.json'])
  const owners = new Set(places.filter((place) => !known.has(place)).map(ownerOf))
  const missing = [...owners].filter((owner) => placeRules[owner] === undefined)
  if (missing.length > 0)
    throw new Error(
      `${entry}: deploy/image/assets.ts doesn't say what these read beside themselves: ${missing.join(', ')}`,
    )
  return [...owners].flatMap((owner) => {
    const rule = placeRules[owner]
    return rule !== undefined && 'files' in rule ? rule.files : []
  })
}

/** `node_modules/@scope/name`, `node_modules/name`, else the first two folders. */
function ownerOf(place: string): string {
  const at = place.lastIndexOf('node_modules/')
  if (at < 0) return place.split('/').slice(0, 2).join('/')
  const [first = '', second = ''] = place.slice(at + 'node_modules/'.length).split('/')
  return `${place.slice(0, at)}node_modules/${first.startsWith('@') ? `${first}/${second}` : first}`
}
