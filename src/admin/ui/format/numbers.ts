/** Numbers as people read them. */

const grouped = new Intl.NumberFormat('en', { maximumFractionDigits: 0 })

/** `12,400` */
export function formatCount(count: number): string {
  return grouped.format(count)
}

/** `0`, `0.4`, `12`, `3,100` */
export function formatRate(perSecond: number): string {
  if (perSecond === 0) return '0'
  return perSecond < 10 ? perSecond.toFixed(1) : grouped.format(perSecond)
}

const units = ['bytes', 'KB', 'MB', 'GB', 'TB']

/** `812 bytes`, `4.2 KB`, `1.0 GB`; a KB is 1024 bytes, as in the configuration. */
export function formatBytes(bytes: number): string {
  let size = bytes
  let unit = 0
  while (size >= 1024 && unit < units.length - 1) {
    size /= 1024
    unit += 1
  }
  const digits = unit === 0 || size >= 100 ? 0 : 1
  return `${size.toFixed(digits)} ${units[unit] ?? ''}`
}

/** A score, with its sign: `+5.5`, `−1`, `0`. */
export function formatScore(score: number): string {
  const rounded = Math.round(score * 100) / 100
  if (rounded === 0) return '0'
  return rounded > 0 ? `+${rounded}` : `−${Math.abs(rounded)}`
}

/** What share of the whole, as `3 %`; `under 1 %` is not `0 %`. */
export function formatShare(part: number, whole: number): string {
  if (whole === 0 || part === 0) return '0 %'
  const percent = (part / whole) * 100
  return percent < 1 ? 'under 1 %' : `${Math.round(percent)} %`
}
