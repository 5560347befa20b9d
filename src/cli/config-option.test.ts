import { mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { defaultConfig } from './config-option.ts'

const root = mkdtempSync(join(tmpdir(), 'postern-config-option-'))
afterAll(() => rmSync(root, { recursive: true }))

test('the usual configuration is named as an operator would type it, and by where a link of the package leads', () => {
  const config = join(root, 'config')
  mkdirSync(config)
  expect(defaultConfig(config, root)).toBe('config')
  expect(defaultConfig(config, join(root, 'elsewhere'))).toBe(config)
  const link = join(root, 'link')
  symlinkSync('/etc/postern', link)
  expect(defaultConfig(link, root)).toBe('/etc/postern')
})
