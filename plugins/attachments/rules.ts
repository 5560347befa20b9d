/**
 * Rules as an operator writes them, one a line: `reject extension exe scr`, `quarantine encrypted`, `2.5 type image/*`.
 * First what is done, then what it is about, then what fits. Pure.
 */
import { extensionOf, type JsonValue, type Option, type Parsed } from 'postern/plugin'
import { outcomeOf, type Outcome } from '../shared/outcome/outcome.ts'
import { isUnreadArchive } from './content-type.ts'
import { matchesGlob } from './glob.ts'
import type { Collection, Specimen } from './specimen.ts'

export interface Rule {
  /** As written. */
  readonly text: string
  readonly outcome: Outcome
  /** Whether it asks for digests. */
  readonly digests: boolean
  /** Says of which thing it holds; `undefined`: it does not. */
  readonly find: (collection: Collection) => string | undefined
}

type Find = Rule['find']
type Fits = (specimen: Specimen) => boolean
/** What a kind of rule takes: no words, or one and more; `undefined` where a word means nothing. */
type Kind = (words: readonly string[]) => Find | undefined

const kinds: ReadonlyMap<string, Kind> = new Map<string, Kind>([
  [
    'name',
    ofWords(
      (words) =>
        ({ names }) =>
          names.some((name) => anyGlob(words, name)),
    ),
  ],
  [
    'extension',
    ofWords((words) => {
      const wanted = new Set(words.map((word) => word.replace(/^\./, '').toLowerCase()))
      return ({ names }) => names.some((name) => wanted.has(extensionOf(name)))
    }),
  ],
  [
    'type',
    ofWords(
      (words) =>
        ({ types }) =>
          types.some((type) => anyGlob(words, type)),
    ),
  ],
  [
    'content',
    ofWords(
      (words) =>
        ({ content }) =>
          content !== undefined &&
          (anyGlob(words, content.extension) || anyGlob(words, content.type)),
    ),
  ],
  ['sha256', digestKind],
  ['larger', largerKind],
  ['encrypted', alone(inSpecimens(({ encrypted }) => encrypted))],
  ['double-extension', alone(inSpecimens(({ names }) => names.some(hasDoubleExtension)))],
  ['class-id', alone(inSpecimens(({ names }) => names.some(hasClassId)))],
  ['disguised', alone(inSpecimens(isDisguised))],
  ['ambiguous', ambiguousKind],
  ['archive-unread', alone(inSpecimens(({ content }) => isUnreadArchive(content)))],
  ['archive-limit', alone(unseen('limit'))],
  ['archive-broken', alone(unseen('broken'))],
  ['mime-limit', alone(unseen('mime'))],
])

const mostWords = 200

/** @returns the rule, or what is wrong with the line */
export function parseRule(text: string): Rule | { readonly problem: string } {
  const [outcomeText = '', what = '', ...words] = text.trim().split(/\s+/)
  const outcome = outcomeOf(outcomeText)
  if (outcome === undefined) return { problem: `begins with ${outcomeText}, which is no outcome` }
  const kind = kinds.get(what)
  if (kind === undefined)
    return { problem: `is about ${what}; it may be about ${[...kinds.keys()].join(', ')}` }
  const find = words.length > mostWords ? undefined : kind(words)
  if (find === undefined) return { problem: `does not say what fits ${what}, or says too much` }
  return { text, outcome, digests: what === 'sha256', find }
}

/** An option that takes a list of rules. */
export function rulesOption(strings: Option<readonly string[]>): Option<readonly Rule[]> {
  return {
    ...strings,
    type: 'list of rules',
    parse(value: JsonValue, resources): Parsed<readonly Rule[]> {
      const texts = strings.parse(value, resources)
      if (!texts.ok) return texts
      const rules: Rule[] = []
      for (const text of texts.value) {
        const rule = parseRule(text)
        if ('problem' in rule) {
          const problem = `${JSON.stringify(text.slice(0, 100))} ${rule.problem}`
          return { ok: false, problem, remedy: 'write for instance: reject extension exe scr' }
        }
        rules.push(rule)
      }
      return { ok: true, value: rules }
    },
  }
}

function ofWords(make: (words: readonly string[]) => Fits): Kind {
  return (words) => (words.length === 0 ? undefined : inSpecimens(make(words)))
}

function alone(find: Find): Kind {
  return (words) => (words.length === 0 ? find : undefined)
}

function inSpecimens(fits: Fits): Find {
  return ({ specimens }) => {
    const found = specimens.find(fits)
    return found === undefined ? undefined : nameFor(found)
  }
}

/** What sender and operator are shown: the archives it is in, and what it is called. */
export function nameFor(specimen: Specimen): string {
  const [name = nameless(specimen)] = specimen.names
  return [...specimen.within, name].join(' > ').slice(0, 200)
}

/** A type alone would read as if all of that type were not wanted, or as the name of a file. */
function nameless({ types: [declared], content }: Specimen): string {
  const facts = [
    ...(declared === undefined ? [] : [`declared as ${declared}`]),
    ...(content === undefined || content.type === declared ? [] : [`begins like ${content.type}`]),
  ]
  return facts.length === 0 ? 'an attachment' : `a part without a name (${facts.join(', ')})`
}

function unseen(wanted: string): Find {
  return (collection) => collection.unseen.find(({ problem }) => problem === wanted)?.detail
}

function digestKind(words: readonly string[]): Find | undefined {
  const wanted = new Set(words.map((word) => word.toLowerCase()))
  if (words.length === 0 || words.some((word) => !/^[0-9a-f]{64}$/i.test(word))) return undefined
  return inSpecimens(({ sha256 }) => sha256 !== undefined && wanted.has(sha256))
}

const units: ReadonlyMap<string, number> = new Map([
  ['', 1],
  ['b', 1],
  ['kb', 1024],
  ['mb', 1024 ** 2],
  ['gb', 1024 ** 3],
])

function largerKind(words: readonly string[]): Find | undefined {
  const [, digits, unit = ''] = /^(\d{1,12})([kmg]?b)?$/i.exec(words[0] ?? '') ?? []
  if (words.length !== 1 || digits === undefined) return undefined
  const limit = Number(digits) * (units.get(unit.toLowerCase()) ?? 1)
  return inSpecimens(({ sizeBytes, within }) => within.length === 0 && sizeBytes > limit)
}

function ambiguousKind(words: readonly string[]): Find {
  return ({ ambiguities }) => {
    const found = ambiguities.filter((kind) => words.length === 0 || words.includes(kind))
    return found.length === 0 ? undefined : found.join(', ')
  }
}

function anyGlob(patterns: readonly string[], text: string): boolean {
  return patterns.some((pattern) => matchesGlob(pattern, text))
}

/** Extensions that Windows runs, and others that open with a double click as if they were documents. */
export const executables: ReadonlySet<string> = new Set(
  (
    'ade adp app appcontent-ms appinstaller application appref-ms appx appxbundle bat chm cmd com cpl diagcab diagcfg diagpkg dll ' +
    'exe gadget hta img ins iso isp jar jnlp js jse lib library-ms lnk mde msc msi msix msixbundle msp mst nsh one pif ps1 psd1 ' +
    'psm1 reg scf scr sct search-ms searchconnector-ms settingcontent-ms shb shs sys url vb vbe vbs vhd vhdx vxd website wim ws ' +
    'wsb wsc wsf wsh xbap xll'
  ).split(' '),
)

const documents = new Set(
  'doc docx xls xlsx ppt pptx pdf rtf txt htm html jpg jpeg png gif bmp tif tiff mp3 mp4 avi mov wav csv xml zip eml'.split(
    ' ',
  ),
)

/** `invoice.pdf.exe`, also with blanks between: the end counts, and the beginning is meant to be seen. */
function hasDoubleExtension(name: string): boolean {
  const last = extensionOf(name)
  if (!executables.has(last)) return false
  const before = name.slice(0, name.toLowerCase().lastIndexOf(last)).replace(/[\s._]+$/, '')
  return documents.has(extensionOf(before))
}

/** `readme.txt.{3050F4D8-98B5-11CF-BB82-00AA00BDCE0B}`: Windows opens it by the class and hides it. */
function hasClassId(name: string): boolean {
  return /\{[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\}?\s*$/i.test(name)
}

const programs = new Set(['exe', 'elf', 'macho', 'lnk', 'class'])

/** A program by its first bytes that is not called one. */
function isDisguised({ content, names }: Specimen): boolean {
  if (content === undefined || !programs.has(content.extension)) return false
  return names.length > 0 && names.every((name) => !executables.has(extensionOf(name)))
}
