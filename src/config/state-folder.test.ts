import { expect, test } from 'vitest'
import { inState, stateInLines } from './state-folder.ts'

test.each([
  ['state: /var/lib/postern # the volume\nchain: [', '/var/lib/postern'],
  ['chain: [\nstate: "/srv/mail state"\n', '/srv/mail state'],
  ["state: '/srv/x'", '/srv/x'],
  ['# state: /var/lib/postern\nspool: {', '../var/'],
  ['  state: /below\n', '../var/'],
  ['state:\nchain: [', '../var/'],
])('of a text that is no YAML, such as %j, the state is told', (text, state) => {
  expect(stateInLines(text)).toBe(state)
})

test('what is not the gateway’s own lies where it is said', () => {
  expect(inState('../var/spool', '/srv')).toBe('/srv/spool')
  expect(inState('../various/spool', '/srv')).toBe('../various/spool')
})
