import { describe, expect, test } from 'vitest'
import { documentedEvents, loggedEvents } from './log-events.ts'
import { parseTree } from './source-file.ts'
import { readTree } from './tree.ts'

const tree = readTree()
const logged = loggedEvents(parseTree(tree))
const documented = documentedEvents(tree.get('src/EVENTS.md') ?? '')

describe('src/EVENTS.md', () => {
  test('has a row for every event of the code', () => {
    const missing = [...logged.values()].filter(({ event }) => !documented.has(event))
    const rows = missing.map(
      ({ event, levels, fields }) =>
        `| \`${event}\` | ${[...levels].join(', ')} | ${[...fields].join(', ')} | … |`,
    )
    expect(rows, 'add these rows to src/EVENTS.md').toEqual([])
  })

  test('names the level of each event, and no field less than the code', () => {
    const wrong = [...logged.values()].flatMap(({ event, levels, fields }) => {
      const row = documented.get(event)
      if (row === undefined) return []
      const lacks = [...fields].filter((field) => !row.fields.includes(field))
      const other = [...levels].filter((level) => level !== 'any' && !row.levels.includes(level))
      return [...lacks, ...other].map((what) => `${event}: ${what}`)
    })
    expect(wrong).toEqual([])
  })

  test('tells of nothing that the code does not say', () => {
    const code = [...tree].flatMap(([path, text]) =>
      /^(?:src|plugins)\/.*(?<!\.test)\.ts$/.test(path) ? [text] : [],
    )
    const gone = [...documented.keys()].filter((event) => {
      const [room = '', what = ''] = event.split('.')
      return (
        !logged.has(event) &&
        !code.some((text) => text.includes(`'${event}'`)) &&
        !code.some((text) => text.includes(`\`${room}.\${`) && text.includes(`'${what}'`))
      )
    })
    expect(gone).toEqual([])
  })

  test('says of each event what it means', () => {
    const mute = [...documented.values()].filter(({ meaning }) => !/^[A-Z`].{8,}$/.test(meaning))
    expect(mute.map(({ event }) => event)).toEqual([])
  })
})
