/** `postern tls-report`: how often outgoing sessions came to TLS, and why not, by domain and day. */
import { styleText } from 'node:util'
import { Command, InvalidArgumentError } from 'commander'
import { legible } from '../formats/plain-line.ts'
import { readTlsReport, type TlsReportAnswer } from '../tools/tls-report.ts'
import { configOption } from './config-option.ts'

interface Options {
  readonly config: string
  readonly domain?: string
  readonly day?: string
  readonly json?: boolean
}

export function tlsReportCommand(): Command {
  return new Command('tls-report')
    .description('TLS with the mail exchangers of a day: successes, failures and their reasons')
    .option('--domain <domain>', 'of this domain only')
    .option('--day <date>', 'of this day, in UTC, such as 2026-11-21; today', dayArgument)
    .option('--json', 'as JSON: an array with a report for each domain (RFC 8460)')
    .addOption(configOption())
    .action(async ({ config, domain, day, json }: Options) => {
      const { domains, reports } = await readTlsReport(config, {
        ...(domain === undefined ? {} : { domain }),
        ...(day === undefined ? {} : { day }),
      })
      if (json === true) process.stdout.write(`${JSON.stringify(reports)}\n`)
      else process.stdout.write(domains.flatMap(linesOf).join(''))
      if (domains.length === 0) process.exitCode = 1
    })
}

function linesOf({ domain, policies }: TlsReportAnswer['domains'][number]): readonly string[] {
  return policies.flatMap(({ policy, successes, failures, details }) => {
    const name = legible(domain).padEnd(30)
    const failed = `${failures} failed`
    const counts = `${String(successes).padStart(6)} by TLS  ${failures === 0 ? failed : styleText('red', failed)}`
    return [
      `${name}  ${policy.type.padEnd(15)}  ${counts}\n`,
      ...details.map(({ failure, host, address, reason, count }) => {
        const where = [host, address].filter((part) => part !== '').join(' ')
        return `  ${String(count).padStart(6)}  ${failure}  ${legible(`${where}  ${reason}`).trimEnd()}\n`
      }),
    ]
  })
}

function dayArgument(text: string): string {
  const isDay = /^\d{4}-\d\d-\d\d$/.test(text) && !Number.isNaN(Date.parse(`${text}T00:00:00Z`))
  if (isDay) return text
  throw new InvalidArgumentError('write a date such as 2026-11-21')
}
