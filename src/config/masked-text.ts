/**
 * The text of a file of the configuration as people are shown it, and back: each secret is a mask there, and a mask that comes
 * back stands for what it hid. In postern.yaml a value is known by its keys and the names of its entries, so that lines may
 * move around it; a comment, and a line of another file, is known by what is shown of it.
 */
import {
  isAlias,
  isMap,
  isPair,
  isScalar,
  isSeq,
  parseDocument,
  stringify,
  type Document,
  type YAMLMap,
} from 'yaml'
import { secretMask, withoutSecrets } from '../formats/secret-text.ts'
import type { Option } from '../plugin/option.ts'
import { maskOf, type KnownPlugins, type ValuePlace } from './secret-values.ts'

/** What a mask is put in for: a value of YAML, a comment, or a line. */
interface Piece {
  readonly from: number
  readonly to: number
  readonly text: string
  /** As people see it; the text itself where nothing of it is secret. */
  readonly mask: string
  /** What it is, wherever it has moved to. */
  readonly name: string
  readonly isValue: boolean
  readonly maskOf: (text: string) => string
}

type NamelessPiece = Omit<Piece, 'name'> & { readonly about: string }

/** Shown in place of a secret, it would look like one that is hidden. */
const probe = 'hush1hush1hush1hush1hush1'

export class MaskedText {
  readonly text: string
  readonly #pieces: readonly Piece[]

  /** @param known the plugins that the text names; undefined for what is no postern.yaml */
  constructor(text: string, known: KnownPlugins | undefined) {
    this.text = text
    this.#pieces = piecesOf(text, known)
  }

  /** @param other what is hidden there, too, but is another secret, says so */
  shown(other?: MaskedText): string {
    const hiddenThere = other === undefined ? [] : other.#hidden()
    const others = new Map(hiddenThere.map(({ name, text }) => [name, text]))
    return spliced(
      this.text,
      this.#hidden().map((piece) => {
        const before = others.get(piece.name)
        const isOther = before !== undefined && before !== piece.text
        const mask = isOther
          ? piece.mask.replace(secretMask, `${secretMask} (another)`)
          : piece.mask
        return { ...piece, by: piece.isValue ? written(mask) : mask }
      }),
    )
  }

  /**
   * What was meant by this text, whose masks come from another one.
   * @returns the line of a mask of which nobody knows what it hides, where there is one
   */
  meant(before: MaskedText): { readonly text: string } | { readonly line: number } {
    if (!this.text.includes(secretMask)) return { text: this.text }
    const hidden = new Map(before.#hidden().map((piece) => [piece.name, piece]))
    const edits: Edit[] = []
    for (const piece of this.#pieces) {
      if (!piece.text.includes(secretMask)) continue
      const was = hidden.get(piece.name)
      if (was !== undefined && was.mask === piece.text) {
        edits.push({ ...piece, by: before.text.slice(was.from, was.to) })
      } else if (piece.maskOf(piece.text.replaceAll(secretMask, probe)) === piece.text) {
        return { line: this.text.slice(0, piece.from).split('\n').length }
      }
    }
    return { text: spliced(this.text, edits) }
  }

  #hidden(): readonly Piece[] {
    return this.#pieces.filter(({ text, mask }) => text !== mask)
  }
}

/** Plugins that the chain of a postern.yaml names. */
export function pluginsIn(text: string): readonly string[] {
  const { contents } = parseDocument(text, { stringKeys: true })
  const chain = isMap(contents) ? contents.get('chain', true) : undefined
  if (!isSeq(chain)) return []
  return chain.items.flatMap((item) => (isMap(item) ? (textAt(item, 'plugin') ?? []) : []))
}

interface Edit {
  readonly from: number
  readonly to: number
  readonly by: string
}

function spliced(text: string, edits: readonly Edit[]): string {
  let made = ''
  let end = 0
  for (const { from, to, by } of edits) {
    made += text.slice(end, from) + by
    end = to
  }
  return made + text.slice(end)
}

/** In order; those of the same name are counted. */
function piecesOf(text: string, known: KnownPlugins | undefined): readonly Piece[] {
  const counts = new Map<string, number>()
  const named = (piece: NamelessPiece): Piece => {
    const count = (counts.get(piece.about) ?? 0) + 1
    counts.set(piece.about, count)
    return { ...piece, name: `${piece.about}#${count}` }
  }
  const document = known && parseDocument(text, { stringKeys: true })
  // What cannot be read as YAML is read line by line: an operator must see it to mend it.
  if (known === undefined || document === undefined || document.errors.length > 0) {
    return [...linesOf(text)].map(named)
  }
  const values = new Map<number, NamelessPiece>()
  for (const value of valuesOf(document, text, known)) {
    // A value that an alias brings to a secret place is secret where it stands.
    const there = values.get(value.from)
    if (there === undefined || there.text === there.mask) values.set(value.from, value)
  }
  const all = [...values.values()].toSorted((a, b) => a.from - b.from)
  return [...all, ...commentsOf(text, all)].toSorted((a, b) => a.from - b.from).map(named)
}

function* linesOf(text: string): Iterable<NamelessPiece> {
  for (let from = 0; from < text.length;) {
    const end = text.indexOf('\n', from)
    const to = end < 0 ? text.length : end
    yield loose(text, from, to)
    from = to + 1
  }
}

/** From `#` to the end of the line, outside of values. */
function* commentsOf(text: string, values: readonly NamelessPiece[]): Iterable<NamelessPiece> {
  let next = 0
  for (const { index } of text.matchAll(/(?<=^|\s)#/gm)) {
    while ((values[next]?.to ?? Infinity) <= index) next += 1
    if ((values[next]?.from ?? Infinity) <= index) continue
    const end = text.indexOf('\n', index)
    yield loose(text, index, end < 0 ? text.length : end)
  }
}

function loose(text: string, from: number, to: number): NamelessPiece {
  const piece = text.slice(from, to)
  const mask = withoutSecrets(piece)
  return { from, to, text: piece, mask, about: `~${mask}`, isValue: false, maskOf: withoutSecrets }
}

interface Here extends ValuePlace {
  readonly about: string
}

function* valuesOf(document: Document, text: string, known: KnownPlugins): Iterable<NamelessPiece> {
  const top: Here = { keys: [], inOptions: false, about: '' }
  const { contents } = document
  if (!isMap(contents)) return
  for (const pair of contents.items) {
    if (!isPair(pair) || !isScalar(pair.key)) continue
    const key = String(pair.key.value)
    const chain = key === 'chain' && isSeq(pair.value) ? pair.value.items : undefined
    if (chain === undefined) yield* below(pair.value, under(top, key))
    for (const entry of chain ?? []) if (isMap(entry)) yield* entryValues(entry)
  }

  function* entryValues(entry: YAMLMap): Iterable<NamelessPiece> {
    const plugin = textAt(entry, 'plugin') ?? ''
    const shape = known.get(plugin)
    const here = { ...top, about: `chain ${textAt(entry, 'name') ?? plugin} ${plugin}` }
    for (const { key, value } of entry.items) {
      const name = isScalar(key) ? String(key.value) : ''
      if (name !== 'options' || !isMap(value)) {
        yield* below(value, under(here, name))
        continue
      }
      for (const each of value.items) {
        const option = isScalar(each.key) ? String(each.key.value) : ''
        yield* below(each.value, {
          ...under({ ...here, keys: [] }, option),
          inOptions: true,
          ...declared(shape?.[option]),
        })
      }
    }
  }

  function* below(node: unknown, here: Here): Iterable<NamelessPiece> {
    if (isAlias(node)) {
      const target = node.resolve(document)
      if (isScalar(target)) yield* below(target, here)
    } else if (isMap(node)) {
      for (const { key, value } of node.items) {
        yield* below(value, under(here, isScalar(key) ? String(key.value) : ''))
      }
    } else if (isSeq(node)) {
      for (const item of node.items) {
        const named = isMap(item) ? (textAt(item, 'name') ?? '') : ''
        yield* below(item, { ...here, about: `${here.about}[${named}]` })
      }
    } else if (isScalar(node)) {
      const value = node.value
      if ((typeof value !== 'string' && typeof value !== 'number') || !node.range) return
      const [from, end] = node.range
      // A block ends behind its last line end, which belongs to what follows.
      const to = from + text.slice(from, end).trimEnd().length
      const plain = String(value)
      const mask = maskOf(plain, here)
      // Items of lists are told apart by what is shown of them.
      const about = here.about.endsWith(']') ? `${here.about}${mask}` : here.about
      yield {
        from,
        to,
        text: plain,
        mask,
        about,
        isValue: true,
        maskOf: (other) => maskOf(other, here),
      }
    }
  }
}

function under(here: Here, key: string): Here {
  return { ...here, keys: [...here.keys, key], about: `${here.about}.${key}` }
}

function declared(option: Option<unknown> | undefined): Pick<ValuePlace, 'option'> {
  return option === undefined ? {} : { option }
}

function textAt(map: YAMLMap, key: string): string | undefined {
  const value = map.get(key)
  return typeof value === 'string' ? value : undefined
}

/** A mask as a scalar: what begins with `*` would be an alias. */
function written(mask: string): string {
  return stringify(mask, { defaultStringType: 'QUOTE_SINGLE', lineWidth: 0 }).trimEnd()
}
