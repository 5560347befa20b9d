import { Command } from 'commander'
import { legible } from '../formats/plain-line.ts'
import { askAlerts } from '../tools/ask-alerts.ts'
import { configOption } from './config-option.ts'
import { noneRuns } from './running-gateway.ts'

interface Options {
  readonly config: string
  readonly json?: boolean
}

/** `postern alerts [list] | test`: what is wrong now, and whether somebody would hear of it. */
export function alertsCommand(): Command {
  const alerts = new Command('alerts').description('what is wrong with the running gateway')
  alerts
    .command('list', { isDefault: true })
    .description('alerts that are active')
    .option('--json', 'as JSON')
    .addOption(configOption())
    .action(list)
  alerts
    .command('test')
    .description('sends a test to everybody who would be told of an alert; 1 where that fails')
    .option('--json', 'as JSON')
    .addOption(configOption())
    .action(test)
  return alerts
}

async function list({ config, json }: Options): Promise<void> {
  const report = await askAlerts(config, 'list')
  if (report === undefined) return noneRuns(config)
  if (json) return write(JSON.stringify(report))
  if (!report.configured) return write('nobody is told of anything: there is no section alerts')
  for (const { since, key, summary } of report.active) {
    write(`${time(since)}  ${legible(key)}  ${legible(summary)}`)
  }
  const { length } = report.active
  if (length === 0) write('no alert is active')
  if (report.untold > 0) write(`${report.untold} not told yet`)
  if (report.trouble !== undefined) write(`could not tell: ${legible(report.trouble)}`)
}

async function test({ config, json }: Options): Promise<void> {
  const report = await askAlerts(config, 'test')
  if (report === undefined) return noneRuns(config)
  const told = report.configured && report.trouble === undefined && report.untold === 0
  if (!told) process.exitCode = 1
  if (json) return write(JSON.stringify(report))
  if (!report.configured) return write('nobody is told of anything: there is no section alerts')
  if (told) return write('told')
  write(`not told: ${legible(report.trouble ?? 'too many mails within an hour')}`)
}

function write(line: string): void {
  process.stdout.write(`${line}\n`)
}

function time(instant: number): string {
  return new Date(instant).toISOString().slice(0, 19).replace('T', ' ')
}
