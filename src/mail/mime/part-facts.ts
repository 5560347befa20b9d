/** What the header of a part says of its body, and whether all readers would understand it alike. */
import type { Header } from '../header.ts'
import { decodeWords } from './encoded-words.ts'
import { fileNamesOf, valuesOf } from './file-names.ts'
import { distinct, parseStructured, withoutComments, type StructuredValue } from './parameters.ts'
import type { MimeAmbiguityKind, MimeChoices, TransferEncoding } from './tree.ts'

export interface PartFacts {
  /** More says what this part is than was read. */
  readonly cut: boolean
  readonly type: string
  readonly otherTypes: readonly string[]
  /** Of a multipart; several where this reader may go by any of them. */
  readonly boundaries: readonly string[]
  readonly charset: string | undefined
  readonly encodings: readonly [TransferEncoding, ...TransferEncoding[]]
  readonly disposition: string | undefined
  readonly fileNames: readonly string[]
  readonly ambiguities: readonly MimeAmbiguityKind[]
}

/** More fields of one name, and the part is beyond a limit: what is not read must not pass for absent. */
const mostFields = 8
const deciding = ['content-type', 'content-disposition', 'content-transfer-encoding']

/** @param defaultType where there is no Content-Type: `message/rfc822` in a digest (RFC 2046 §5.1.5), else `text/plain` */
export function partFacts(
  header: Header,
  choose: MimeChoices['fields'],
  defaultType: string,
): PartFacts {
  const [declared = [], disposed = [], encoded = []] = deciding.map((name) => header.all(name))
  if (declared.length + disposed.length + encoded.length === 0) return nothingSaid(defaultType)
  const types = declared.slice(0, mostFields).map(parseStructured)
  const chosen = chosenOf(types, choose, defaultType)
  const dispositions = disposed.slice(0, mostFields).map(parseStructured)
  const cut =
    [...types, ...dispositions].some((each) => each.cut) ||
    [declared, disposed, encoded].some(({ length }) => length > mostFields)
  const { names, ambiguous } = fileNamesOf(dispositions, types)
  const encodings = encodingsOf(encoded.slice(0, mostFields))
  const type = choose === 'first' ? typeOf(chosen, defaultType) : looseTypeOf(chosen, defaultType)
  const container = isContainer(type)
  const ambiguities: MimeAmbiguityKind[] = []
  const confused =
    new Set(types.map(({ value }) => value)).size > 1 ||
    (container && declared.length > 1) ||
    new Set(types.flatMap(boundariesOf)).size > 1 ||
    types.some(isMalformed)
  if (confused) ambiguities.push('content-type')
  if (encodings.length > 1 || encodings[0] === 'unknown') ambiguities.push('encoding')
  if (container && encodings.some((encoding) => encoding !== 'identity')) {
    ambiguities.push('encoded-container')
  }
  if (ambiguous) ambiguities.push('file-name')
  const boundaries = type.startsWith('multipart/') ? dividing(types, choose) : []
  if (type.startsWith('multipart/') && boundaries.length === 0) ambiguities.push('boundary')
  return {
    cut,
    type,
    otherTypes: [...new Set(types.map((each) => typeOf(each, defaultType)))].filter(
      (other) => other !== type,
    ),
    boundaries,
    charset: chosen && valuesOf(chosen.parameters, 'charset')[0]?.trim().toLowerCase(),
    encodings,
    disposition: dispositions[0]?.value,
    fileNames: names,
    ambiguities,
  }
}

function nothingSaid(type: string): PartFacts {
  return {
    cut: false,
    type,
    otherTypes: [],
    boundaries: [],
    charset: undefined,
    encodings: ['identity'],
    disposition: undefined,
    fileNames: [],
    ambiguities: [],
  }
}

/** Whether a part of this type holds parts. */
function isContainer(type: string): boolean {
  return type.startsWith('multipart/') || isMessage(type)
}

/** Types whose body is a message (RFC 2046 §5.2.1, RFC 6532 §3.7). */
export function isMessage(type: string): boolean {
  return type === 'message/rfc822' || type === 'message/global' || type === 'message/news'
}

function typeOf(structured: StructuredValue | undefined, defaultType: string): string {
  if (structured === undefined) return defaultType
  const [word = ''] = structured.value.split(/[ \t,]/, 1)
  return word.includes('/') ? word : defaultType
}

/** The Content-Type that counts: to who takes any, one by which the part holds others. */
function chosenOf(
  types: readonly StructuredValue[],
  choose: MimeChoices['fields'],
  defaultType: string,
): StructuredValue | undefined {
  if (choose === 'first') return types[0]
  const holding = (each: StructuredValue): boolean => isContainer(looseTypeOf(each, defaultType))
  return (choose === 'any' ? types.find(holding) : undefined) ?? types.at(-1)
}

/** The boundaries that this reader goes by: ours the first, the others all but that one, or all. */
function dividing(
  types: readonly StructuredValue[],
  choose: MimeChoices['fields'],
): readonly string[] {
  const all = [...new Set((choose === 'first' ? types.slice(0, 1) : types).flatMap(boundariesOf))]
  if (choose === 'first') return all.slice(0, 1)
  return choose === 'last' && all.length > 1 ? all.slice(1) : all
}

/** Some readers need no more than the word, or find it in quotes and encoded words. */
function looseTypeOf(structured: StructuredValue | undefined, defaultType: string): string {
  if (structured === undefined) return defaultType
  const value = decodeWords(structured.value).replaceAll(/["']/g, '')
  return typeOf(
    { ...structured, value },
    value.startsWith('multipart') ? 'multipart/mixed' : defaultType,
  )
}

/** RFC 2046 §5.1.1 allows 70 characters, and no blank at the end. */
const longestBoundary = 900

function boundariesOf({ parameters }: StructuredValue): readonly string[] {
  const plain = parameters
    .filter(({ name }) => name === 'boundary')
    .flatMap(({ readings }) => readings)
  const written = [...plain, ...valuesOf(parameters, 'boundary')]
  const unquoted = written.map((text) => /^'(.*)'$/.exec(text)?.[1] ?? text)
  const all = [...written, ...unquoted, ...written.map(decodeWords)].map((text) => text.trimEnd())
  return [...new Set(all)].filter((text) => text !== '' && text.length <= longestBoundary)
}

function isMalformed({ value, irregular, parameters }: StructuredValue): boolean {
  if (!/^[\w!#$%&'*+.^`{|}~-]+\/[\w!#$%&'*+.^`{|}~-]+$/.test(value)) return true
  // Names with blanks are everywhere and hurt nobody; only where parts are divided every doubt counts.
  return irregular && (isContainer(value) || parameters.some(({ name }) => name === 'boundary'))
}

const encodingNames: ReadonlyMap<string, TransferEncoding> = new Map([
  ['', 'identity'],
  ['7bit', 'identity'],
  ['8bit', 'identity'],
  ['binary', 'identity'],
  ['base64', 'base64'],
  ['quoted-printable', 'quoted-printable'],
  ['x-uuencode', 'uuencode'],
  ['uuencode', 'uuencode'],
  ['x-uue', 'uuencode'],
  ['x-uu', 'uuencode'],
  ['x-uuencoded', 'uuencode'],
  ['uue', 'uuencode'],
])

function encodingsOf(
  fields: readonly string[],
): readonly [TransferEncoding, ...TransferEncoding[]] {
  const [first, ...rest] = fields.flatMap(encodingReadings)
  return first === undefined ? ['identity'] : distinct([first, ...rest])
}

/** A value that is none may still mean something to a reader that looks for a word in it. */
function encodingReadings(field: string): readonly TransferEncoding[] {
  const text = withoutComments(field).trim().toLowerCase()
  const known = encodingNames.get(text)
  if (known !== undefined) return [known]
  // Postfix and others drop what follows; so "7bit;" and "8-bit" do not make a mail suspicious.
  if (/^(?:7|8)-?bits?[;.]?$/.test(text)) return ['identity']
  const plain = decodeWords(field)
    .replace(/[\s"']/g, '')
    .toLowerCase()
  const guesses = (['base64', 'quoted-printable', 'uuencode'] as const).filter((word) =>
    plain.includes(word),
  )
  const [guess, ...others] = guesses
  return guess === undefined ? ['unknown'] : [guess, ...others, 'unknown']
}
