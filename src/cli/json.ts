/**
 * What programs read. With `--json` a command writes one JSON value to the standard output; a list that has no bound
 * (messages, traces, accounts, rules) is one object a line instead, so that it streams and a reader may stop. `jq` reads
 * either. Complaints stay on the standard error, and exit codes are the same with and without it.
 */
import { Option } from 'commander'

export function jsonOption(): Option {
  return new Option('--json', 'as JSON')
}

/** For a list without a bound. */
export function jsonLinesOption(): Option {
  return new Option('--json', 'one JSON object a line')
}

export interface JsonOptions {
  readonly json?: true
}

export function writeJson(value: unknown): void {
  process.stdout.write(`${JSON.stringify(value, undefined, 2)}\n`)
}

export function writeJsonLine(value: object): void {
  process.stdout.write(`${JSON.stringify(value)}\n`)
}
