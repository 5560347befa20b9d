/** Text for spreadsheets (RFC 4180), in which nothing that mail brought is taken for a formula. */

/** What a cell that some program would compute begins with; tab and CR lead to one, too. */
const formula = /^[\s\0]*[=+\-@|%\uff1d\uff0b\uff0d\uff20]/

/** A header line, then a line for each row; every line ends with CRLF. */
export function csvOf(heading: readonly string[], rows: readonly (readonly string[])[]): string {
  return [heading, ...rows].map((row) => `${row.map(csvCell).join(',')}\r\n`).join('')
}

/** Quoted always; an apostrophe keeps what looks like a formula from being one. */
export function csvCell(text: string): string {
  const clean = text.replaceAll('\0', '')
  const harmless = formula.test(clean) ? `'${clean}` : clean
  return `"${harmless.replaceAll('"', '""')}"`
}
