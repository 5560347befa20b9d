import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { csvCell, csvOf } from './csv.ts'

describe('a cell', () => {
  test('that a spreadsheet would compute is text', () => {
    for (const text of [
      '=1+1',
      '+1',
      '-2+3',
      '@SUM(A1)',
      '\t=1',
      '\r=1',
      ' =1',
      '|cmd',
      '%0A=1',
      '＝1',
    ]) {
      expect(csvCell(text)).toMatch(/^"'/)
    }
    expect(csvCell('=HYPERLINK("http://x","y")')).toBe(`"'=HYPERLINK(""http://x"",""y"")"`)
    expect(csvCell('ann@example.org')).toBe('"ann@example.org"')
  })

  test('comes back as it was, whatever it holds', () => {
    fc.assert(
      fc.property(fc.array(fc.string({ unit: 'grapheme' }), { minLength: 1 }), (cells) => {
        const line = csvOf(cells, []).slice(0, -2)
        const read = [...line.matchAll(/(?:^|,)"((?:[^"]|"")*)"/g)].map(([, text = '']) =>
          text.replaceAll('""', '"'),
        )
        const plain = cells.map((cell) => cell.replaceAll('\0', ''))
        expect(read.map((text, index) => (text === plain[index] ? text : text.slice(1)))).toEqual(
          plain,
        )
      }),
    )
  })
})
