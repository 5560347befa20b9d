/** Builds the pages into dist/ui: one script, one style sheet, names that change with their content. */
import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vite'

export default defineConfig({
  root: fileURLToPath(new URL('.', import.meta.url)),
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
  // While pages are changed: the API of a gateway that runs on this host.
  server: { proxy: { '/api': 'http://127.0.0.1:8025' } },
  build: {
    outDir: fileURLToPath(new URL('../../../dist/ui', import.meta.url)),
    emptyOutDir: true,
    target: 'es2024',
    // Nothing may become a data: URL or an inline script: the pages' policy forbids both.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
  },
})
