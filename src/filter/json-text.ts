/** JSON written by hand, for what is written with every message: a third of what JSON.stringify would take. */

const special = /[^ !#-[\]-~]/

/** Whoever wrote it may have put anything into it. */
export function quoted(text: string): string {
  return special.test(text) ? JSON.stringify(text) : `"${text}"`
}

export function quotedList(texts: readonly string[]): string {
  let json = ''
  for (const text of texts) json += json === '' ? quoted(text) : `,${quoted(text)}`
  return `[${json}]`
}
