/** Which key means what. Two keys in a row, as in `g m`, must follow each other within a second. */
import { pageRows, type PageName } from './places.ts'

export type KeyCommand =
  | { readonly do: 'go'; readonly page: PageName }
  | { readonly do: 'search' | 'next' | 'previous' | 'help' | 'leave' }

export interface KeyState {
  /** When `g` was pressed, in milliseconds. */
  readonly prefixAt?: number
}

const prefixMs = 1000

/** @param key as KeyboardEvent.key has it */
export function readKey(
  { prefixAt }: KeyState,
  key: string,
  nowMs: number,
): { readonly state: KeyState; readonly command?: KeyCommand } {
  if (prefixAt !== undefined && nowMs - prefixAt <= prefixMs) {
    const row = pageRows.find((each) => each.key === key)
    return row === undefined ? { state: {} } : { state: {}, command: { do: 'go', page: row.name } }
  }
  switch (key) {
    case 'g':
      return { state: { prefixAt: nowMs } }
    case '/':
      return { state: {}, command: { do: 'search' } }
    case 'j':
      return { state: {}, command: { do: 'next' } }
    case 'k':
      return { state: {}, command: { do: 'previous' } }
    case '?':
      return { state: {}, command: { do: 'help' } }
    case 'Escape':
      return { state: {}, command: { do: 'leave' } }
    default:
      return { state: {} }
  }
}
