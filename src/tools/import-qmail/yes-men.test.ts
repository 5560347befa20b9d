import { expect, test } from 'vitest'
import { saysYes } from './yes-men.ts'

test.each([
  '/bin/true',
  'cat /etc/passwd',
  'sh -c true',
  "/bin/sh -c 'exit 0'",
  'bash -c exit 0;',
  'sh -c :',
  'sh -c exec /bin/true',
])('%s verifies nobody: it says yes to everybody', (command) => {
  expect(saysYes(command.split(' '))).toBe(true)
})

test.each([
  '/home/vpopmail/bin/vchkpw /bin/true',
  "sh -c 'exit 1'",
  'sh -c checkpassword true',
  "sh -c 'true && checkpassword'",
  'sh',
  '',
])('%j may verify somebody', (command) => {
  expect(saysYes(command.split(' '))).toBe(false)
})
