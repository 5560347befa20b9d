/** `[ … ]`, and the few programs whose output a run script asks for. */

/** What a script may look at. */
export interface ScriptFiles {
  exists(path: string): boolean
  /** Undefined where there is none, or where nobody may read it. */
  readText(path: string): string | undefined
}

/** `/usr/bin/id` is `id`. */
export function programName(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1)
}

/** What stands between the brackets; undefined where it is not understood. `-o` binds less than `-a`, as in test(1). */
export function isTrue(args: readonly string[], files: ScriptFiles): boolean | undefined {
  const anyOf = split(args, '-o').map((part) => {
    const all = split(part, '-a').map((each) => primary(each, files))
    return all.includes(undefined) ? undefined : all.every((each) => each === true)
  })
  return anyOf.includes(undefined) ? undefined : anyOf.includes(true)
}

/** An operator where a value is expected is the value: `[ "$X" = -o ]` stays rare enough to be read wrongly by test(1) too. */
function split(args: readonly string[], at: string): readonly (readonly string[])[] {
  const parts: string[][] = [[]]
  for (const arg of args) {
    if (arg === at) parts.push([])
    else parts.at(-1)?.push(arg)
  }
  return parts
}

function primary(args: readonly string[], files: ScriptFiles): boolean | undefined {
  const [first = '', second = '', third = ''] = args
  if (first === '!' && args.length > 1) {
    const answer = primary(args.slice(1), files)
    return answer === undefined ? undefined : !answer
  }
  switch (args.length) {
    case 0:
      return false
    case 1:
      return first !== ''
    case 2:
      return unary(first, second, files)
    case 3:
      return binary(first, second, third)
    default:
      return undefined
  }
}

function unary(operator: string, value: string, files: ScriptFiles): boolean | undefined {
  switch (operator) {
    case '-z':
      return value === ''
    case '-n':
      return value !== ''
    case '-f':
    case '-e':
    case '-r':
    case '-x':
    case '-w':
    case '-d':
    case '-L':
    case '-h':
    case '-p':
    case '-S':
      return value !== '' && files.exists(value)
    case '-s':
      return (files.readText(value) ?? '') !== ''
    default:
      return undefined
  }
}

function binary(left: string, operator: string, right: string): boolean | undefined {
  if (operator === '=' || operator === '==') return left === right
  if (operator === '!=') return left !== right
  const numbers = [left, right].map((text) => (/^-?\d{1,15}$/.test(text) ? Number(text) : NaN))
  const [a = NaN, b = NaN] = numbers
  if (numbers.some(Number.isNaN)) return undefined
  switch (operator) {
    case '-eq':
      return a === b
    case '-ne':
      return a !== b
    case '-gt':
      return a > b
    case '-ge':
      return a >= b
    case '-lt':
      return a < b
    case '-le':
      return a <= b
    default:
      return undefined
  }
}

/** `cat`, `cat FILE`, `head -1 FILE`, `head -n 1`, `head FILE`: which file it reads, and what of it. */
export function fileOfCommand(
  words: readonly string[],
): { readonly path?: string; firstLines(text: string): string } | undefined {
  const [program = '', ...args] = words
  const name = programName(program)
  if (name !== 'cat' && name !== 'head') return undefined
  let lines = name === 'cat' ? Infinity : 10
  const paths: string[] = []
  for (let at = 0; at < args.length; at++) {
    const arg = args[at] ?? ''
    const [, attached] = /^-n?(\d+)$/.exec(arg) ?? []
    if (!arg.startsWith('-')) paths.push(arg)
    else if (name === 'head' && attached !== undefined) lines = Number(attached)
    else if (name === 'head' && arg === '-n' && /^\d+$/.test(args[at + 1] ?? '')) {
      lines = Number(args[++at])
    } else return undefined
  }
  const [path] = paths
  if (paths.length > 1) return undefined
  const firstLines = (text: string): string =>
    lines === Infinity ? text : text.split('\n').slice(0, lines).join('\n')
  return { ...(path === undefined ? {} : { path }), firstLines }
}
