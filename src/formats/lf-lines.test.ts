import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { lfLines } from './lf-lines.ts'

async function convert(...chunks: string[]): Promise<string> {
  const source = async function* () {
    yield* chunks.map((chunk) => Buffer.from(chunk, 'latin1'))
  }
  const parts: Uint8Array[] = []
  for await (const part of lfLines(source())) parts.push(part)
  return Buffer.concat(parts).toString('latin1')
}

describe('line ends of files', () => {
  test.each([
    ['', ''],
    ['a\r\nb\r\n', 'a\nb\n'],
    ['a\rb\nc\r\n', 'a\rb\nc\n'],
    ['a\r\r\nb', 'a\r\nb'],
    ['a\r', 'a\r'],
  ])('%j is kept as %j', async (message, file) => {
    expect(await convert(message)).toBe(file)
  })

  test('how the message is cut into chunks makes no difference', async () => {
    const messy = fc.string({ unit: fc.constantFrom('\r', '\n', 'a', '\xe9') })
    await fc.assert(
      fc.asyncProperty(fc.array(messy), async (chunks) => {
        const whole = chunks.join('')
        expect(await convert(...chunks)).toBe(whole.replaceAll('\r\n', '\n'))
      }),
    )
  })
})
