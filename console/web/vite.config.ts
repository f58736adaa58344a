/** How the page is built, and `vite dev` for working on it: `cd console/web && vite`, with the system running. */
import { defineConfig } from 'vite'

export default defineConfig({
  base: '/',
  clearScreen: false,
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
