import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { controlFiles } from './control-files.ts'
import { controlReaders, type ControlReader } from './control-readers.ts'

const readers: [string, ControlReader][] = Object.entries(controlReaders)
const plugins = fileURLToPath(new URL('../../plugins', import.meta.url))

test('each control file has a reader, or a reason why there is none', () => {
  expect(readers.map(([name]) => name)).toEqual(Object.keys(controlFiles))
})

test('a plugin that is said to read a control file names it', () => {
  for (const [name, reader] of readers) {
    if (!('plugin' in reader)) continue
    for (const plugin of [reader.plugin, ...(reader.others ?? [])]) {
      const folder = join(plugins, plugin)
      expect([name, existsSync(folder)]).toEqual([name, true])
      const sources = readdirSync(folder).filter((file) => /\.(?:ts|md)$/.test(file))
      const text = sources.map((file) => readFileSync(join(folder, file), 'utf8')).join('\n')
      expect([name, text.includes(`control/${name}`) || text.includes(name)]).toEqual([name, true])
    }
  }
})
