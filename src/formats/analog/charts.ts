/** Charts as SVG, by their class names coloured by the page around them. Nothing to draw is ''. */
import { escapeHtml } from './escape-html.ts'
import type { Timeline } from './timeline.ts'

const width = 1000
const height = 220
const base = 190

/** Stacked bars: successes below, then deferrals, then failures. */
export function timelineChart(timeline: Timeline): string {
  const bars = timeline.bars()
  const most = Math.max(...bars.map(({ k, z, d }) => k + z + d), 0)
  if (most === 0) return ''
  const step = width / bars.length
  const unit = (base - 20) / most
  const parts = bars.flatMap((bar, index) => {
    let top = base
    const title = `${timeOf(bar.from)}: ${bar.k} delivered, ${bar.z} deferred, ${bar.d} failed`
    return (['k', 'z', 'd'] as const).flatMap((result) => {
      if (bar[result] === 0) return []
      const tall = bar[result] * unit
      top -= tall
      const place = `x="${fixed(index * step)}" y="${fixed(top)}" width="${fixed(Math.max(step - 1, 0.5))}" height="${fixed(tall)}"`
      return [`<rect class="${result}" ${place}><title>${title}</title></rect>`]
    })
  })
  const [first, last] = [bars[0], bars.at(-1)]
  return svg('Deliveries over time', [
    axis,
    ...parts,
    label(0, height - 10, timeOf(first?.from ?? 0), 'start'),
    label(width, height - 10, timeOf((last?.from ?? 0) + timeline.widthSeconds), 'end'),
    label(0, 12, `${most} in ${spanOf(timeline.widthSeconds)}`, 'start'),
  ])
}

/** @param points seconds and per cent; seconds on a logarithmic scale, for they reach from milliseconds to days */
export function curveChart(
  points: readonly (readonly [seconds: number, percent: number])[],
): string {
  if (points.length < 2) return ''
  const log = (seconds: number): number => Math.log10(Math.max(seconds, 0.001))
  const scale = points.map(([seconds]) => log(seconds))
  const [low, high] = [Math.floor(Math.min(...scale)), Math.ceil(Math.max(...scale))]
  const x = (seconds: number): number => ((log(seconds) - low) / Math.max(high - low, 1)) * width
  const path = points.map(
    ([seconds, percent]) => `${fixed(x(seconds))},${fixed(base - (percent / 100) * (base - 20))}`,
  )
  const marks = Array.from({ length: high - low + 1 }, (_, index) => 10 ** (low + index))
  return svg('Distribution of delays', [
    axis,
    `<polyline class="curve" points="${path.join(' ')}"/>`,
    ...marks.map((mark) =>
      label(
        x(mark),
        height - 10,
        `${mark} s`,
        mark === 10 ** high ? 'end' : mark === 10 ** low ? 'start' : 'middle',
      ),
    ),
    label(0, 18, '100%', 'start'),
  ])
}

export function barsChart(
  bars: readonly { readonly label: string; readonly value: number }[],
): string {
  const most = Math.max(...bars.map(({ value }) => value), 0)
  if (most === 0 || bars.length < 2) return ''
  const row = 22
  const from = 360
  const parts = bars.flatMap((bar, index) => {
    const wide = ((width - from - 110) * bar.value) / most
    const top = index * row
    return [
      label(from - 10, top + 15, short(bar.label), 'end'),
      `<rect class="bar" x="${from}" y="${top + 3}" width="${fixed(wide)}" height="${row - 6}"/>`,
      label(from + wide + 6, top + 15, String(bar.value), 'start'),
    ]
  })
  return svg('Largest rows of the table', parts, bars.length * row)
}

const axis = `<line class="axis" x1="0" y1="${base}" x2="${width}" y2="${base}"/>`

function svg(name: string, parts: readonly string[], tall = height): string {
  return `<svg role="img" aria-label="${name}" viewBox="0 0 ${width} ${tall}">${parts.join('')}</svg>`
}

function label(x: number, y: number, text: string, anchor: 'start' | 'middle' | 'end'): string {
  return `<text x="${fixed(x)}" y="${y}" text-anchor="${anchor}">${escapeHtml(text)}</text>`
}

function fixed(value: number): string {
  return String(Number(value.toFixed(1)))
}

function short(text: string): string {
  return text.length > 52 ? `${text.slice(0, 51)}…` : text
}

function timeOf(seconds: number): string {
  const milliseconds = seconds * 1000
  if (Math.abs(milliseconds) > 8.64e15) return ''
  return new Date(milliseconds).toISOString().slice(0, 16).replace('T', ' ')
}

function spanOf(seconds: number): string {
  if (seconds < 3600) return `${seconds / 60} min`
  return `${Number((seconds / 3600).toFixed(1))} h`
}
