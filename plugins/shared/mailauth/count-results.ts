import { outcomeCounter, type PluginMetrics } from 'postern/plugin'

/** The words of RFC 8601 §2.7 that SPF, DKIM and DMARC have between them. */
const words = [
  'none',
  'pass',
  'fail',
  'softfail',
  'policy',
  'neutral',
  'temperror',
  'permerror',
] as const

/** Counts the results of one method: `results_total`. */
export function resultCounter(
  metrics: PluginMetrics,
  method: string,
): (result: (typeof words)[number]) => void {
  const results = { name: 'results_total', help: `Results of ${method}`, label: 'result' }
  return outcomeCounter(metrics, results, words)
}
