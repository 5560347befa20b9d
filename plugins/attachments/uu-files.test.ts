import { expect, test } from 'vitest'
import { uuFilesIn } from './uu-files.ts'

test('a uuencoded file in a text is found, with its name', () => {
  const text = Buffer.from('hello\r\nbegin 644 evil.js\r\n#86)C\r\n`\r\nend\r\n')
  expect(uuFilesIn(text)).toMatchObject([{ name: 'evil.js', bytes: Buffer.from('abc') }])
})

test('a million lines that only look like a beginning are looked at, and nothing is decoded', () => {
  // Each of them decoded to the end of the text would be a million millions of bytes.
  const text = Buffer.from('begin \r\n'.repeat(1_000_000))
  expect(uuFilesIn(text)).toEqual([])
})
