import fc from 'fast-check'
import { expect, test } from 'vitest'
import { formatMaildirsize, maildirsizeEntry, parseMaildirsize } from './maildirsize.ts'

const read = (text: string) => parseMaildirsize(Buffer.from(text))

test('the lines of a maildirsize add up', () => {
  expect(read('1000S,10C\n         500    2\n-100 -1\n')).toEqual({
    quota: '1000S,10C',
    usage: { bytes: 400, messages: 1 },
    entries: 2,
  })
})

test.each(['', '1000S', '1000S\n5 1', '1000S\nfive 1\n', '1000S\n5\n', '1000S\n-5 -1\n'])(
  '%j is to be counted anew',
  (text) => {
    expect(read(text)).toBeUndefined()
  },
)

test('so is one that has grown long', () => {
  expect(read(`1000S\n${'1 1\n'.repeat(1300)}`)).toBeUndefined()
})

test('what is written is read as it was, whatever is appended', () => {
  const usage = fc.record({ bytes: fc.nat(), messages: fc.nat({ max: 1e6 }) })
  fc.assert(
    fc.property(usage, usage, (first, second) => {
      const text = formatMaildirsize({ bytes: 5 }, first) + maildirsizeEntry(second)
      expect(read(text)).toEqual({
        quota: '5S',
        usage: {
          bytes: first.bytes + second.bytes,
          messages: first.messages + second.messages,
        },
        entries: 2,
      })
    }),
  )
})

test('no bytes are too strange for it', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 6000 }), (bytes) => void parseMaildirsize(bytes)),
  )
})
