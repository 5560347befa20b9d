import type { ProgramEnd, ProgramInput } from './programs.ts'

/** `ours`: what is left to read of our own standard input. */
export type ForegroundInput = 'ours' | ProgramInput

/** The errno name of what kept a program from starting. */
export interface NotStarted {
  readonly errno: string
}

/**
 * Programs that run in our place, as those that a shell's command line names: in our folder and process group, with our
 * environment and output. What ends us ends them.
 */
export interface Foreground {
  /**
   * Waits until it has ended. A program that does not read all of its input is no fault.
   * @param command a name without a slash is looked for in PATH
   * @throws what reading `input` throws
   */
  run(
    command: readonly [program: string, ...args: string[]],
    input: ForegroundInput,
  ): Promise<ProgramEnd | NotStarted>
}
