import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { parseDialogue, playDialogue } from '../testkit/dialogue.ts'
import { slowPolicy } from '../testkit/scripted-policy.ts'
import { smtpStage } from '../testkit/smtp-stage.ts'

const folder = new URL('../../test/fixtures/dialogues/', import.meta.url)

const scenarios = readdirSync(folder)
  .filter((name) => name.endsWith('.txt'))
  .map((name) => ({
    name: name.replace('.txt', ''),
    steps: parseDialogue(readFileSync(new URL(name, folder), 'utf8')),
  }))

describe.each(scenarios)('the dialogue $name', ({ steps }) => {
  test.each([
    { how: 'in the pieces the client writes', slow: false, byteByByte: false },
    { how: 'byte by byte', slow: false, byteByByte: true },
    { how: 'with a policy that takes its time', slow: true, byteByByte: false },
    { how: 'byte by byte with a policy that takes its time', slow: true, byteByByte: true },
  ])('runs as written $how', async ({ slow, byteByByte }) => {
    const stage = await smtpStage(slow ? { through: slowPolicy } : {})
    await playDialogue(steps, stage, { byteByByte })
    expect(stage.queue.openDrafts).toBe(0)
  })
})
