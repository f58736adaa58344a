/** Builds the page into the folder given: `node build.ts <folder>`. Called by the console's server (bff/src/page-files.ts). */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { brotliCompressSync, constants, gzipSync } from 'node:zlib'
import { build } from 'vite'
import config from './vite.config.ts'

const [outDir] = process.argv.slice(2)
if (outDir === undefined) throw new Error('say into which folder')

await build({
  ...config,
  configFile: false,
  root: import.meta.dirname,
  logLevel: 'warn',
  // No .env files, no cache folder beside the sources.
  envDir: false,
  cacheDir: `${outDir}-cache`,
  build: { ...config.build, outDir },
})

// Compressed once, here, as well as it can be: the server picks a file and never compresses. RFC 9110, 8.4.1.
for (const entry of readdirSync(outDir, { recursive: true, withFileTypes: true })) {
  if (!entry.isFile() || !/\.(?:html|js|css|svg|json|webmanifest)$/.test(entry.name)) continue
  const path = join(entry.parentPath, entry.name)
  const plain = readFileSync(path)
  const forms = {
    br: brotliCompressSync(plain, { params: { [constants.BROTLI_PARAM_SIZE_HINT]: plain.length } }),
    gz: gzipSync(plain, { level: constants.Z_BEST_COMPRESSION }),
  }
  for (const [ending, body] of Object.entries(forms))
    if (body.length < plain.length) writeFileSync(`${path}.${ending}`, body)
}
