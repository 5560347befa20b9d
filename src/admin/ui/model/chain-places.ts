/** Below the page Chain: its parts and its entries. A part has a word that an entry may be named, too: such an entry has a longer address. */
import { pathOf } from './places.ts'

const tabs = ['shadow', 'history'] as const

export type ChainTab = (typeof tabs)[number] | undefined

/** Before the name of an entry that is named like a part. */
const entryWord = 'entry'

/** @param rest what follows the page's own segment */
export function chainPlaceOf(
  rest: readonly string[],
): { readonly tab: ChainTab } | { readonly entry: string } {
  const [first, second] = rest
  if (first === undefined) return { tab: undefined }
  if (first === entryWord && second !== undefined) return { entry: second }
  const tab = tabs.find((each) => each === first)
  return tab === undefined ? { entry: first } : { tab }
}

/** Where an entry of the chain is shown. */
export function entryPath(name: string): string {
  const isTab = tabs.some((each) => each === name)
  return pathOf('chain', isTab ? [entryWord, name] : [name])
}
