import { parseDuration } from '../plugin/option-makers.ts'

/** `90m`, `24h`, `7d`, as an operator types it, to milliseconds; undefined for anything else. */
export function periodMs(text: string): number | undefined {
  const parsed = parseDuration(text)
  return parsed.ok ? parsed.value : undefined
}
