/** Tricky and malformed mail that other projects collected, read by our scanner; where they say what they found in it, compared. */
import { readdirSync, readFileSync } from 'node:fs'
import { basename } from 'node:path'
import { describe, expect, test } from 'vitest'
import { readMimeTree } from '../../src/mail/mime/read-tree.ts'
import { contentOf } from '../../src/mail/mime/content.ts'
import type { MimePart } from '../../src/mail/mime/tree.ts'
import { memoryMessage } from '../../src/testkit/memory-message.ts'
import { folderOf, vectorsAreMissing } from './third-party.ts'

const sets = [
  'cpython-test_email-data',
  'enmime',
  'mikel-mail',
  'mime4j-mimetools-testmsgs',
  'mime4j-testmsgs',
  'postfix-mime',
  'stalwart-mail-parser',
]

interface Mail {
  readonly path: string
  readonly bytes: Buffer
}

/** The files are kept with LF; what reaches a gateway has CRLF. */
function mailsOf(set: string): readonly Mail[] {
  const folder = folderOf(`mime/${set}`)
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((path) => /\.(?:eml|msg|raw|in)$|msg_\d+a?\.txt$/.test(path))
    .toSorted()
    .map((path) => ({
      path: `${folder}/${path}`,
      bytes: asReceived(readFileSync(`${folder}/${path}`)),
    }))
}

function asReceived(bytes: Buffer): Buffer {
  return Buffer.from(bytes.toString('latin1').replaceAll(/\r?\n/g, '\r\n'), 'latin1')
}

describe.skipIf(vectorsAreMissing).each(sets)('%s', (set) => {
  test('goes through whole: every part within its parent, every content to be read', async () => {
    const mails = mailsOf(set)
    expect(mails.length).toBeGreaterThan(10)
    for (const { bytes } of mails) {
      const message = memoryMessage(bytes)
      const { readings, limit } = await readMimeTree(message)
      expect(limit).toBeUndefined()
      for (const { parts } of readings) {
        for (const part of parts) {
          const outer = parts[part.parent]?.bodyRange ?? { offset: 0, length: bytes.length }
          expect(part.headerRange.offset).toBeGreaterThanOrEqual(outer.offset)
          expect(part.bodyRange.offset + part.bodyRange.length).toBeLessThanOrEqual(bytes.length)
          const content = await contentOf(message, part, { maxBytes: bytes.length })
          expect(content.length).toBeLessThanOrEqual(part.bodyRange.length)
        }
      }
    }
  })
})

/** Depths of the leaves, as mime4j writes them down: <multipart>, <message> and <body> within each other. */
function leavesOf(xml: string): readonly number[] {
  const leaves: number[] = []
  let depth = 0
  for (const [tag = ''] of xml.matchAll(/<\/?(?:message|body-part|body)>/g)) {
    if (tag === '<body>') leaves.push(depth)
    else if (tag.startsWith('</message') || tag.startsWith('</body-part')) depth -= 1
    else if (!tag.startsWith('</')) depth += 1
  }
  return leaves
}

/** Ours counts a message within a part as one level more, and so does theirs. */
function ourLeaves(parts: readonly MimePart[]): readonly number[] {
  return parts.filter(({ container }) => !container).map(({ depth }) => depth + 1)
}

/** Why we see less, or more, than mime4j. */
const exceptions: ReadonlyMap<string, string> = new Map([
  [
    'bad-newlines-multiple-parts-base64.msg',
    'a message in base64 is no container here, but a doubt',
  ],
  ['base64encoded-rfc822message-nested.msg', 'likewise'],
  ['multi-2gifs-base64.msg', 'likewise, a multipart'],
  ['very-very-long-boundary.msg', 'a boundary of 7,000 characters is none here, but a doubt'],
  ['very-long-boundary.msg', 'its boundary ends in blanks, see below'],
  ['weird-boundary.msg', 'a boundary cannot end in blanks (RFC 2046 §5.1.1)'],
])

describe.skipIf(vectorsAreMissing)('the structure that mime4j found', () => {
  test.each(['mime4j-testmsgs', 'mime4j-mimetools-testmsgs'])(
    'in %s is what we find',
    async (set) => {
      const differing: string[] = []
      const mails = mailsOf(set)
      for (const { path, bytes } of mails) {
        const theirs = leavesOf(readFileSync(path.replace(/\.msg$/, '.xml'), 'latin1'))
        const { readings } = await readMimeTree(memoryMessage(bytes))
        const agrees = readings.some(({ parts }) => String(ourLeaves(parts)) === String(theirs))
        if (!agrees) differing.push(basename(path))
      }
      process.stderr.write(`${set}: ${mails.length - differing.length} of ${mails.length} alike\n`)
      expect(differing.filter((name) => !exceptions.has(name))).toEqual([])
    },
  )
})
