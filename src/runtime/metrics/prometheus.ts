/** Prometheus' text exposition format, version 0.0.4. */
import type { MetricFamily, MetricSeries, MetricsSnapshot } from './snapshot.ts'

/** What an HTTP server says it is. */
export const prometheusContentType = 'text/plain; version=0.0.4; charset=utf-8'

export function formatPrometheus({ metrics }: MetricsSnapshot): string {
  return metrics
    .filter(({ series }) => series.length > 0)
    .flatMap(familyLines)
    .map((line) => `${line}\n`)
    .join('')
}

function familyLines(family: MetricFamily): readonly string[] {
  const { name, kind, help } = family
  return [
    `# HELP ${name} ${help.replaceAll('\\', '\\\\').replaceAll('\n', '\\n')}`,
    `# TYPE ${name} ${kind}`,
    ...family.series.flatMap((series) => seriesLines(family, series)),
  ]
}

function seriesLines(family: MetricFamily, series: MetricSeries): readonly string[] {
  const { name, labels: names, buckets } = family
  const labels = series.labels.map((value, index) => [names[index] ?? '', value] as const)
  if ('value' in series) return [`${name}${inBraces(labels)} ${numeral(series.value)}`]
  let count = 0
  const lines = series.counts.map((each, index) => {
    count += each
    const le = buckets[index] === undefined ? '+Inf' : numeral(buckets[index])
    return `${name}_bucket${inBraces([...labels, ['le', le]])} ${count}`
  })
  return [
    ...lines,
    `${name}_sum${inBraces(labels)} ${numeral(series.sum)}`,
    `${name}_count${inBraces(labels)} ${count}`,
  ]
}

function inBraces(labels: readonly (readonly [name: string, value: string])[]): string {
  if (labels.length === 0) return ''
  return `{${labels.map(([name, value]) => `${name}="${escaped(value)}"`).join(',')}}`
}

/** A lone surrogate would not survive UTF-8. */
function escaped(value: string): string {
  return value
    .toWellFormed()
    .replaceAll('\\', '\\\\')
    .replaceAll('"', '\\"')
    .replaceAll('\n', '\\n')
}

function numeral(value: number): string {
  if (Number.isNaN(value)) return 'NaN'
  if (value === Infinity) return '+Inf'
  return value === -Infinity ? '-Inf' : String(value)
}
