/**
 * The hosts that a text links to. Links are found as mail programs make them clickable: in attributes of HTML, and in plain text by
 * `http://` and `www.`; hosts are read as browsers read them (WHATWG URL), so that disguises do not help. Linear in the text.
 */

const mostLinks = 5000
/** The host of a longer one is in its beginning. */
const longestLink = 2048

/** @returns lower case, as ASCII, each once, in the order of the text: domains and IP addresses */
export function linkedHosts(text: string, isHtml: boolean): readonly string[] {
  const hosts = new Set<string>()
  let left = mostLinks
  const take = (link: string): void => {
    left -= 1
    const plain = isHtml ? withoutEntities(link) : link
    // What follows a link in a sentence is part of it to some programs, and not to others.
    for (const host of [hostOf(plain), hostOf(plain.split(punctuation, 1)[0] ?? '')]) {
      if (host !== undefined) hosts.add(host)
    }
    for (const target of targetsIn(plain)) {
      left -= 1
      if (left < 0) return
      const host = hostOf(target)
      if (host !== undefined) hosts.add(host)
    }
  }
  for (const link of spelledOut(text)) {
    if (left <= 0) break
    take(link)
  }
  if (isHtml) {
    for (const link of inAttributes(text)) {
      if (left <= 0) break
      take(link.trimStart().startsWith('//') ? `http:${link.trimStart()}` : link)
    }
  }
  return [...hosts]
}

/** Where an address begins that people would click on. */
const beginning = /(?:https?|ftp):[/\\]{2}|\bwww\d{0,3}\./gi
const end = /[\s"'<>`]/
const punctuation = /[),;|}*“”‘’«»…]/

function* spelledOut(text: string): Generator<string> {
  for (const { index } of text.matchAll(beginning)) {
    const some = text.slice(index, index + longestLink)
    const stop = some.search(end)
    yield stop < 0 ? some : some.slice(0, stop)
  }
}

/**
 * Where an address begins within another: encoded once, or once more for each redirector on the way, but for its slashes too,
 * which many leave as they are.
 */
const innerBeginning = /https?(?:%(?:25)*3a|:)(?:%(?:25)*(?:2f|5c)|[/\\]){2}/gi
/** The host of a longer target is in its beginning. */
const longestTarget = 512
const mostTimes = 4

/** What a redirector is told to lead to: `?u=http%3A%2F%2F…`. */
function* targetsIn(link: string): Generator<string> {
  for (const { 0: begins, index } of link.matchAll(innerBeginning)) {
    // The link itself.
    if (index === 0 && !begins.includes('%')) continue
    let target = link.slice(index, index + longestTarget).split('&', 1)[0] ?? ''
    for (let times = 0; times < mostTimes && target.includes('%'); times++) {
      target = target.replace(/%([0-7][0-9a-f])/gi, (_, hex: string) =>
        String.fromCharCode(Number.parseInt(hex, 16)),
      )
    }
    yield target
  }
}

const attribute = /\b(?:href|src|action|formaction|background|poster|data)[\t\n\r ]{0,20}=/gi

/** In quotes a link may hold blanks and line ends, which browsers drop. */
function* inAttributes(text: string): Generator<string> {
  for (const { 0: found, index } of text.matchAll(attribute)) {
    const from = index + found.length
    const value = text.slice(from, from + longestLink).trimStart()
    const quote = value[0]
    if (quote === '"' || quote === "'") {
      const stop = value.indexOf(quote, 1)
      yield value.slice(1, stop < 0 ? undefined : stop)
    } else {
      const stop = value.search(end)
      yield stop < 0 ? value : value.slice(0, stop)
    }
  }
}

function hostOf(link: string): string | undefined {
  const address = /^[\s]{0,20}www/i.test(link) ? `http://${link.trimStart()}` : link
  const { protocol, hostname } = URL.parse(address) ?? { protocol: '', hostname: '' }
  if (!['http:', 'https:', 'ftp:'].includes(protocol)) return undefined
  const host = hostname.replace(/\.$/, '').replace(/^\[|\]$/g, '')
  return host === '' || punctuation.test(host) ? undefined : host
}

const named: ReadonlyMap<string, string> = new Map([
  ['amp', '&'],
  ['period', '.'],
  ['colon', ':'],
  ['sol', '/'],
  ['commat', '@'],
  ['tab', ''],
  ['newline', ''],
  ['shy', ''],
])

/** `&#46;`, `&#x2e;`, `&period;`: as many as a host may be disguised by. */
function withoutEntities(text: string): string {
  if (!text.includes('&')) return text
  return text.replace(
    /&(?:#(\d{1,7})|#x([0-9a-f]{1,6})|([a-z]{2,10}));?/gi,
    (whole, decimal?: string, hex?: string, name?: string) => {
      if (name !== undefined) return named.get(name.toLowerCase()) ?? whole
      const code = decimal === undefined ? Number.parseInt(hex ?? '', 16) : Number(decimal)
      return code <= 0x10ffff ? String.fromCodePoint(code) : whole
    },
  )
}
