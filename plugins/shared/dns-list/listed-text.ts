import type { Hit, ListPanel } from './list-panel.ts'

/** Longer texts are cut: a list must not fill the reply. */
const longestText = 400

interface About {
  /** The client's address, or the domain. */
  readonly what: string
  /** As it stands below the list's base. */
  readonly name: string
  readonly panel: ListPanel
}

/** What the client is told: the operator's words, else the list's own, else that it is listed. */
export async function listedText(
  hit: Hit | undefined,
  { what, name, panel }: About,
): Promise<string> {
  if (hit === undefined) return 'Listed'
  const { list } = hit
  const text = list.text ?? (await panel.explain(list, name))
  const words = text ?? `${what} is listed by ${list.base}`
  return printable(words.replaceAll('%IP%', what).replaceAll('%NAME%', what))
}

/** A list's TXT record comes from the network: what is not printable ASCII is `?`, as in rblsmtpd. */
function printable(text: string): string {
  return text.slice(0, longestText).replace(/[^\x20-\x7e]/g, '?')
}
