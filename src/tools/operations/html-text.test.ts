import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { htmlText } from './html-text.ts'

describe('HTML as text', () => {
  test('says what a reader would see, and nothing acts', () => {
    const html = `<html><head><title>t</title><style>p{}</style></head><body onload="x()"><p>Hello &amp; welcome</p>
      <script>alert(1)</script><img src="http://tracker.example/x.gif"><br>second&nbsp;line &#x41;&#66;<!-- <p>no</p> --></body>`
    expect(htmlText(html)).toBe('Hello & welcome\n\nsecond line AB')
  })

  test('shows what an entity hid as text, never as a tag', () => {
    expect(htmlText('&lt;script&gt;alert(1)&lt;/script&gt;')).toBe('<script>alert(1)</script>')
  })

  test('of a script that is never closed says nothing more', () => {
    expect(htmlText('a<script>b<p>c')).toBe('a')
  })

  test('ends for every text, in a time that grows with it', () => {
    fc.assert(
      fc.property(
        fc.array(
          fc.constantFrom('<', '>', '<!--', '-->', '<script>', '</script', '&#', ';', 'a', '\n'),
        ),
        (parts) => {
          expect(htmlText(parts.join('')).length).toBeLessThanOrEqual(parts.join('').length)
        },
      ),
    )
  })
})
