/** Rates over time. Each series has a dash of its own beside its colour, and the table below says the same. */
import { useEffect, useRef } from 'preact/hooks'
import uPlot from 'uplot'
import { formatRate } from '../../format/numbers.ts'
import { formatMinute, formatTime } from '../../format/times.ts'
import { kinds, type Series } from '../../model/fold-now.ts'

const height = 208

const strokes = {
  accepted: { colour: '--good', dash: [] },
  deferred: { colour: '--wait', dash: [6, 3] },
  refused: { colour: '--bad', dash: [2, 3] },
  held: { colour: '--held', dash: [10, 3, 2, 3] },
} as const

/** Those that have one decimal at most, as the axis writes them. */
const steps = [0.1, 1, 10, 100, 1_000, 10_000].flatMap((unit) => [unit, 2 * unit, 5 * unit])

export function RateChart({ series }: { readonly series: Series }) {
  const frame = useRef<HTMLDivElement>(null)
  const plot = useRef<uPlot>(undefined)
  useEffect(() => {
    const home = frame.current
    if (home === null) return undefined
    const draw = (): void => {
      plot.current?.destroy()
      plot.current = new uPlot(optionsFor(home), dataOf(series), home)
    }
    draw()
    const resized = new ResizeObserver(() =>
      plot.current?.setSize({ width: home.clientWidth, height }),
    )
    resized.observe(home)
    const dark = matchMedia('(prefers-color-scheme: dark)')
    const switched = new MutationObserver(draw)
    switched.observe(document.documentElement, { attributeFilter: ['data-theme'] })
    dark.addEventListener('change', draw)
    return () => {
      resized.disconnect()
      switched.disconnect()
      dark.removeEventListener('change', draw)
      plot.current?.destroy()
    }
  }, [])
  useEffect(() => {
    plot.current?.setData(dataOf(series))
  }, [series])
  return <div class="chart" ref={frame} role="img" aria-label="Messages per second over time" />
}

function dataOf({ at, rates }: Series): uPlot.AlignedData {
  return [[...at], ...kinds.map((kind) => [...rates[kind]])]
}

function optionsFor(home: HTMLElement): uPlot.Options {
  const style = getComputedStyle(home)
  // A custom property is text; only a real property resolves light-dark().
  const colour = (name: string): string => {
    const probe = document.createElement('span')
    probe.style.color = `var(${name})`
    home.append(probe)
    const resolved = getComputedStyle(probe).color
    probe.remove()
    return resolved
  }
  const axis = {
    stroke: colour('--muted'),
    font: `12px ${style.fontFamily}`,
    grid: { stroke: colour('--line'), width: 1 },
    ticks: { stroke: colour('--line'), width: 1 },
  }
  return {
    // The last time has room beside the last grid line.
    padding: [null, 24, null, null],
    width: home.clientWidth,
    height,
    cursor: { y: false, drag: { x: false, y: false } },
    legend: { live: true },
    scales: { y: { range: (_plot, _min, max) => [0, Math.max(1, max * 1.1)] } },
    axes: [
      { ...axis, values: (_plot, splits) => splits.map((split) => formatMinute(split * 1000)) },
      {
        ...axis,
        size: 48,
        incrs: steps,
        values: (_plot, splits) => splits.map((split) => formatRate(split)),
      },
    ],
    series: [
      {
        label: 'Time',
        value: (_plot: uPlot, at: number | null) => (at === null ? '–' : formatTime(at * 1000)),
      },
      ...kinds.map((kind) => ({
        label: kind,
        stroke: colour(strokes[kind].colour),
        dash: [...strokes[kind].dash],
        width: 2,
        points: { show: false },
        value: (_plot: uPlot, rate: number | null) =>
          rate === null ? '–' : `${formatRate(rate)}/s`,
      })),
    ],
  }
}
