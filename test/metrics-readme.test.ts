/** What stands about metrics in other files than the code is what the code has. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { parse } from 'yaml'
import { inventory } from '../src/runtime/metrics/inventory.ts'
import { checkout } from './end-to-end/started-gateway.ts'

const read = (path: string): string => readFileSync(join(checkout, path), 'utf8')

test('the table of metrics has each of them, with its labels and what it is', () => {
  const rows = [...read('src/runtime/metrics/README.md').matchAll(/^\| `(postern_\w+)`(.*)\|$/gm)]
  const written = rows
    .filter(([, name = '']) => !name.startsWith('postern_plugin_'))
    .map(([, name, rest = '']) => [
      name,
      ...rest
        .split('|')
        .slice(1)
        .map((cell) => cell.trim()),
    ])
  const known = inventory.map(({ name, labels, help }) => [name, labels.join(', '), help])
  expect(written).toEqual(known)
})

test('rules and dashboard ask for metrics that there are, by labels that they have', () => {
  const rules: { groups: { rules: { expr: string }[] }[] } = parse(
    read('docker/prometheus/postern.rules.yml'),
  )
  const dashboard: { panels: { targets: { expr: string }[] }[] } = JSON.parse(
    read('docker/prometheus/grafana-dashboard.json'),
  )
  const expressions = [
    ...rules.groups.flatMap((group) => group.rules.map(({ expr }) => expr)),
    ...dashboard.panels.flatMap(({ targets }) => targets.map(({ expr }) => expr)),
  ]
  const known = new Map<string, readonly string[]>(
    inventory.map(({ name, labels }) => [name, labels]),
  )
  expect(expressions.length).toBeGreaterThan(20)
  for (const expression of expressions) {
    const uses = expression.matchAll(/(postern_[a-z_]+?)(?:_bucket)?\b(?:\{([^}]*)\})?/g)
    for (const [, name = '', matchers = ''] of uses) {
      if (name.startsWith('postern_plugin_')) continue
      expect([...known.keys()], expression).toContain(name)
      for (const [, label = ''] of matchers.matchAll(/(\w+)(?:=|!)/g)) {
        expect(known.get(name), expression).toContain(label)
      }
    }
  }
})
