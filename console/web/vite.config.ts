/** How the page is built, and `vite dev` for working on it: `cd console/web && vite`, with the system running. */
import { defineConfig, type Plugin } from 'vite'
import { declared } from './declared.ts'
import { declaredApi } from './declared-api.ts'

/** What the contracts say, as data: `virtual:declared` (declared.ts), and for the API page `virtual:api` (declared-api.ts). */
const modules: Readonly<Record<string, () => string>> = {
  'virtual:declared': () => `export const declared = ${JSON.stringify(declared)}`,
  'virtual:api': () => `export const api = JSON.parse(${JSON.stringify(JSON.stringify(declaredApi()))})`,
}
const declaredModule: Plugin = {
  name: 'svyaz:declared',
  resolveId: (id) => (Object.hasOwn(modules, id) ? `\0${id}` : undefined),
  load: (id) => modules[id.slice(1)]?.(),
}

export default defineConfig({
  base: '/',
  clearScreen: false,
  plugins: [declaredModule],
  // React's own plugin is for hot reload; the JSX transform is built in.
  oxc: { jsx: { runtime: 'automatic' } },
  build: {
    target: 'es2024',
    emptyOutDir: true,
    modulePreload: { polyfill: false },
    // The content security policy knows no data: scripts or styles.
    assetsInlineLimit: 0,
    reportCompressedSize: false,
  },
  server: {
    port: 8091,
    strictPort: true,
    proxy: {
      '/api': {
        target: 'http://127.0.0.1:8090',
        ws: true,
        changeOrigin: true,
        headers: { origin: 'http://127.0.0.1:8090' },
      },
    },
  },
})
