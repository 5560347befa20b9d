/**
 * What HTML says, without what it does: tags, comments, scripts and styles go, block elements end lines, entities are
 * characters. One pass over the text, whatever it is; nothing is fetched, and no tag comes out.
 */

const blocks = new Set(
  'address article blockquote br dd div dl dt footer form h1 h2 h3 h4 h5 h6 header hr li ol p pre section table td th tr ul'.split(
    ' ',
  ),
)
/** What stands between these and their end tags is nothing to read. */
const silent = new Set(['head', 'script', 'style', 'template', 'title'])

const entities: ReadonlyMap<string, string> = new Map([
  ['amp', '&'],
  ['lt', '<'],
  ['gt', '>'],
  ['quot', '"'],
  ['apos', "'"],
  ['nbsp', ' '],
  ['copy', '©'],
  ['euro', '€'],
  ['hellip', '…'],
  ['ndash', '–'],
  ['mdash', '—'],
])

export function htmlText(html: string): string {
  const parts: string[] = []
  for (let at = 0; at < html.length;) {
    const open = html.indexOf('<', at)
    if (open < 0) {
      parts.push(html.slice(at))
      break
    }
    parts.push(html.slice(at, open))
    if (html.startsWith('<!--', open)) {
      at = behind(html, '-->', open + 4)
      continue
    }
    const close = html.indexOf('>', open)
    if (close < 0) break
    const [, slash = '', name = ''] =
      /^<(\/?)([A-Za-z][A-Za-z0-9]{0,19})/.exec(html.slice(open, open + 24)) ?? []
    const tag = name.toLowerCase()
    if (blocks.has(tag)) parts.push('\n')
    at = silent.has(tag) && slash === '' ? endOf(html, tag, close + 1) : close + 1
  }
  return plain(parts.join(''))
}

/** The first place behind some text; the end where it never comes. */
function behind(html: string, text: string, from: number): number {
  const at = html.indexOf(text, from)
  return at < 0 ? html.length : at + text.length
}

/** Behind the end tag. What is never closed is silent to the end. */
function endOf(html: string, tag: string, from: number): number {
  const end = html.toLowerCase().indexOf(`</${tag}`, from)
  return end < 0 ? html.length : behind(html, '>', end)
}

function plain(text: string): string {
  return text
    .replaceAll(
      /&(#x[0-9a-f]{1,6}|#[0-9]{1,7}|[a-z]{2,8});/gi,
      (whole, name: string) => entity(name) ?? whole,
    )
    .replaceAll(/[^\S\n]{2,}/g, ' ')
    .split('\n')
    .map((line) => line.trim())
    .filter((line, index, lines) => line !== '' || lines[index - 1] !== '')
    .join('\n')
    .trim()
}

function entity(name: string): string | undefined {
  if (!name.startsWith('#')) return entities.get(name.toLowerCase())
  const code = /^#x/i.test(name) ? Number.parseInt(name.slice(2), 16) : Number(name.slice(1))
  const usable = code >= 32 && code <= 0x10_ff_ff && !(code >= 0xd8_00 && code <= 0xdf_ff)
  return usable ? String.fromCodePoint(code) : ''
}
