import { setImmediate } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { configurationResources } from '../config/resources.ts'
import { fakeDisk } from '../testkit/fake-disk.ts'
import { recordingLog } from '../testkit/recording-log.ts'
import { followedAssignments } from './followed-assignments.ts'

const path = '/etc/postern/users/assign'
const joe = '=joe:joe:1:1:/home/joe:::\n'
const ann = '=ann:ann:2:2:/home/ann:::\n'

function followed(text?: string) {
  const disk = fakeDisk(text === undefined ? {} : { [path]: text })
  const log = recordingLog()
  const write = async (now: string): Promise<void> => {
    disk.put(path, now)
    // Whoever watches is told in a later turn.
    await setImmediate()
  }
  const resources = configurationResources('/etc/postern', { disk, log })
  return { write, log, live: followedAssignments(resources.file('users/assign'), log) }
}

test('a users/assign that is half written leaves in force what it said before', async () => {
  const { write, log, live } = followed(`${joe}${ann}.\n`)
  await write(joe)
  expect(live.current?.find('ann')).toMatchObject({ user: 'ann' })
  expect(JSON.stringify(log.events)).toContain('end the file with a line that is a dot')
  await write(`${joe}.\n`)
  expect(live.current?.find('ann')).toBeUndefined()
})

test('where users/assign has mistakes from the beginning, whoever asks it is told where, until it is mended', async () => {
  const { write, live } = followed(`${joe}=ann\n.\n`)
  expect(() => live.current?.find('joe')).toThrow(`${path}:2: write =local:user:uid`)
  await write(`${joe}.\n`)
  expect(live.current?.find('joe')).toMatchObject({ user: 'joe' })
})

test('of a users/assign that is none of it ten lines are told, and how many there are', () => {
  const { log } = followed(`${'joe:x:1:1::/home/joe:\n'.repeat(1000)}.\n`)
  const told = log.events.filter(({ event }) => event === 'users.assign-mistake')
  expect(told).toHaveLength(10)
  expect(told[9]).toMatchObject({ fields: { line: 10, mistakes: 1000 } })
})

test('without users/assign nobody is asked', () => {
  expect(followed().live.current).toBeUndefined()
})
