/** A program of the operator's, as it is to be started. Never by a shell, never with more than is said here. */
export interface ProgramCall {
  /** The program's path (or a name that is looked for in PATH of `environment`), then its arguments. */
  readonly command: readonly [program: string, ...args: string[]]
  /** All that it sees; nothing is inherited. */
  readonly environment: ReadonlyMap<string, string>
  /** Whose process it becomes, without any further group; ours where nothing is said. Only root may say it. */
  readonly as?: { readonly uid: number; readonly gid: number }
  /** A checkpassword program: where the gateway has a deliverer, that one runs it, as root. Nothing else may say so. */
  readonly byDeliverer?: true
  /** How long it and what it started have between SIGTERM and SIGKILL; 2,000 where nothing is said, at most 5,000. */
  readonly graceMs?: number
  /**
   * How long what it left running may hold its outputs open, as `program &` does, until it is ended; what holds none of
   * them is left alone. Where nothing is said, all that it left running in its group ends with it.
   */
  readonly lingerMs?: number
  /** The root folder where nothing is said. */
  readonly folder?: string
  /** What it, and each process that it starts, may hold in memory of its own (RLIMIT_DATA); no limit where nothing is said. */
  readonly memoryBytes?: number
  /**
   * How many processes and threads its user may have for it, and what it starts, to begin another (RLIMIT_NPROC): all of
   * the user's count, whoever started them. No limit where nothing is said.
   */
  readonly mostProcesses?: number
  /** What it may read, by file descriptor; 0 is empty where nothing is said. */
  readonly inputs?: ReadonlyMap<number, ProgramInput>
  /** What is kept of what it writes, in bytes, by file descriptor; the rest is read and dropped. 1 and 2 are dropped whole where nothing is said. */
  readonly outputs?: ReadonlyMap<number, number>
  /** What takes what it writes as it comes, by file descriptor, and no faster than that: it resolves when there is room for more. */
  readonly streams?: ReadonlyMap<number, ProgramStream>
}

/** To be settled once the signal of its program has fired. */
export type ProgramStream = (chunk: Uint8Array) => void | Promise<void>

/** `file`: a file that has no name any more, so that the program can read it anew from any place. Otherwise a pipe. */
export type ProgramInput =
  | Uint8Array
  | AsyncIterable<Uint8Array>
  | { readonly file: AsyncIterable<Uint8Array> }

export type ProgramEnd = { readonly exit: number } | { readonly signal: string }

export interface ProgramResult {
  readonly pid: number
  readonly end: ProgramEnd
  /** One for each that was asked for. */
  readonly outputs: ReadonlyMap<number, Uint8Array>
  /** Descriptors of which more came than was kept. */
  readonly overflowed: ReadonlySet<number>
}

/** A program that stays, and is talked to by its standard input and output. */
export interface RunningProgram {
  readonly pid: number
  /** @returns false when it reads slower than we write: wait for `drained`. */
  write(data: string | Uint8Array): boolean
  /** Nothing more is said. */
  endInput(): void
  attach(handlers: RunningProgramHandlers): void
  /** SIGTERM to it and all that it started; SIGKILL to what is left of them after some seconds. */
  stop(): void
}

export interface RunningProgramHandlers {
  output(chunk: Uint8Array): void
  /** Standard error, for the log. */
  complaint(chunk: Uint8Array): void
  drained(): void
  /** Nothing follows. Called exactly once. */
  ended(end: ProgramEnd): void
}

/** The door to other programs. Each gets a process group of its own, so that what it started can be ended with it. */
export interface Programs {
  /** Whether there is such a file and we may start it: for checks, before anything depends on it. */
  canStart(path: string): Promise<boolean>
  /**
   * Waits until it has ended and what it wrote is read. A program that does not read all of its input is no fault.
   * @throws PosternError PROGRAM_FAILED where it cannot be started or its input cannot be read;
   * ABORTED when the signal fires: it is then ended as by `stop`
   */
  run(call: ProgramCall, signal: AbortSignal): Promise<ProgramResult>
  /** `inputs` and `outputs` do not count. @throws PosternError PROGRAM_FAILED */
  start(call: ProgramCall): Promise<RunningProgram>
}
