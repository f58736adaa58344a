/** Builds the page into the folder given: `node build.ts <folder>`. Called by the console's server (bff/src/page-files.ts). */
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
