/** The Date of a message (RFC 5322 §3.3), with the obsolete forms (§4.3) that are still about. */
const form =
  /^(?:[a-z]{3},?\s*)?(\d{1,2})\s+([a-z]{3})\s+(\d{2,4})\s+(\d{1,2}):(\d{2})(?::(\d{2}))?\s*(?:([+-]\d{4})|([a-z]{1,5}))?/i

const months = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec']
/** Hours; any other name says nothing that could be relied on (§4.3) and counts as UTC. */
const zones: ReadonlyMap<string, number> = new Map([
  ['est', -5],
  ['edt', -4],
  ['cst', -6],
  ['cdt', -5],
  ['mst', -7],
  ['mdt', -6],
  ['pst', -8],
  ['pdt', -7],
])

/** @returns milliseconds since 1970, or `undefined` for what is no date */
export function parseMailDate(text: string): number | undefined {
  const found = form.exec(text.slice(0, 200).trim())
  if (found === null) return undefined
  const [, day, monthName = '', yearText = '', hour, minute, second = '0', offset, zone = ''] =
    found
  const month = months.indexOf(monthName.toLowerCase())
  const year = fullYear(yearText)
  const numbers = [Number(day), Number(hour), Number(minute), Number(second)] as const
  const [date, hours, minutes, seconds] = numbers
  if (month < 0 || hours > 23 || minutes > 59 || seconds > 60) return undefined
  const midnightMs = Date.UTC(year, month, date)
  const fits = date > 0 && new Date(midnightMs).getUTCMonth() === month
  if (!fits) return undefined
  const localMs = midnightMs + ((hours * 60 + minutes) * 60 + seconds) * 1000
  return (
    localMs -
    (offset === undefined ? (zones.get(zone.toLowerCase()) ?? 0) * 60 : offsetMinutes(offset)) *
      60_000
  )
}

/** §4.3: two digits are 1950 to 2049, three count from 1900. */
function fullYear(text: string): number {
  const year = Number(text)
  if (text.length === 4) return year
  return text.length === 3 || year >= 50 ? year + 1900 : year + 2000
}

function offsetMinutes(offset: string): number {
  const minutes = Number(offset.slice(1, 3)) * 60 + Number(offset.slice(3, 5))
  return offset.startsWith('-') ? -minutes : minutes
}
