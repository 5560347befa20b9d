import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'

const read = (path: string): string => readFileSync(new URL(path, import.meta.url), 'utf8')

test('the plugin that the page shows is the plugin that is tested', () => {
  const shown = /```ts\n(import \{ definePlugin[^`]+)```/.exec(read('README.md'))?.[1]
  expect(shown).toBe(read('local/revoked-tags/revoked-tags.ts'))
})
