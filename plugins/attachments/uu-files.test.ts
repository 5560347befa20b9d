import fc from 'fast-check'
import { expect, test } from 'vitest'
import { UuBeginning, uuFilesIn } from './uu-files.ts'

test('a uuencoded file in a text is found, with its name', () => {
  const text = Buffer.from('hello\r\nbegin 644 evil.js\r\n#86)C\r\n`\r\nend\r\n')
  expect(uuFilesIn(text)).toEqual({
    files: [{ name: 'evil.js', bytes: Buffer.from('abc') }],
    more: false,
  })
})

test('a line of the file that only begins as its end does is a line of the file', () => {
  // "e" is a length of five bytes, so a sender can have such a line anywhere.
  const text = Buffer.from('begin 644 evil.dat\n#86)C\nendAAAAAA\n#86)C\nend \n')
  const [file] = uuFilesIn(text).files
  expect(file?.bytes).toHaveLength(3 + 5 + 3)
})

test('a million lines that only look like a beginning are looked at, and nothing is decoded', () => {
  // Each of them decoded to the end of the text would be a million millions of bytes.
  const text = Buffer.from('begin \r\n'.repeat(1_000_000))
  expect(uuFilesIn(text)).toEqual({ files: [], more: false })
})

test('of more than fifty files in a text it is known that there are more', () => {
  const text = Buffer.from('begin 644 a.js\n#86)C\n`\nend\n'.repeat(51))
  const { files, more } = uuFilesIn(text)
  expect([files.length, more]).toEqual([50, true])
})

test('the beginning of a file is seen however the text comes in pieces', () => {
  const text = Buffer.from('hello begin 644 no\nbegin 1 no\nbegin 0755 evil.js\n')
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: 20 }), { maxLength: 60 }), (sizes) => {
      const beginning = new UuBeginning()
      let at = 0
      for (const size of [...sizes, text.length]) beginning.push(text.subarray(at, (at += size)))
      expect(beginning.found).toBe(true)
      const other = new UuBeginning()
      other.push(text.subarray(0, 30))
      expect(other.found).toBe(false)
    }),
  )
})
