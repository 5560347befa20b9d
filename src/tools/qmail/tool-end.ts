/** What a program in place of one of qmail's leaves behind. The texts hold one character for each byte. */
export interface ToolEnd {
  readonly exit: number
  readonly out: string
  readonly err: string
}

/** 100: it will never work. 111: it may, later. */
export type Failure = 100 | 111

export function done(out = ''): ToolEnd {
  return { exit: 0, out, err: '' }
}

export function usage(program: string, how: string): ToolEnd {
  return { exit: 100, out: '', err: `${program}: usage: ${how}\n` }
}

export function fatal(program: string, exit: Failure, what: string): ToolEnd {
  return { exit, out: '', err: `${program}: fatal: ${what}\n` }
}
