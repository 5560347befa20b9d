import { Command } from 'commander'
import { formatPrometheus } from '../runtime/metrics/prometheus.ts'
import { metricsOf } from '../tools/gather-metrics.ts'
import { configOption } from './config-option.ts'
import { noneRuns } from './running-gateway.ts'

/** `postern metrics`: what a running gateway has counted, as Prometheus reads it. */
export function metricsCommand(): Command {
  return new Command('metrics')
    .description('the numbers of the running gateway, in the text format of Prometheus')
    .option('--json', 'as JSON: one object with all metrics')
    .addOption(configOption())
    .action(async ({ config, json }: { readonly config: string; readonly json?: boolean }) => {
      const snapshot = await metricsOf(config)
      if (snapshot === undefined) return noneRuns(config)
      process.stdout.write(json ? `${JSON.stringify(snapshot)}\n` : formatPrometheus(snapshot))
    })
}
