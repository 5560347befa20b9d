/** Completion for shells, as text: which words may follow, by the commands that stand on the line already. */
import type { CompletionNode, CompletionValue, CompletionWord } from './completion-tree.ts'

export const shells = ['bash', 'zsh', 'fish'] as const
export type Shell = (typeof shells)[number]

type Nodes = readonly CompletionNode[]

export function completionScript(shell: Shell, nodes: Nodes): string {
  return { bash, zsh, fish }[shell](nodes)
}

/** `cd queue hold` for each command below another: from a path and a word to the next path. */
function steps(nodes: Nodes): readonly (readonly [from: string, word: string])[] {
  return nodes.flatMap(({ path, words }) =>
    words.flatMap(({ word, isCommand }) => (isCommand ? [[path, word] as const] : [])),
  )
}

/** Options that want a value, of all commands, with the words that may stand before it: `log --outcome`. */
function valued(
  nodes: Nodes,
): readonly (CompletionValue & { readonly path: string; readonly after: readonly string[] })[] {
  return nodes.flatMap(({ path, values }) =>
    values.map((value) => {
      return { ...value, path, after: value.options.map((option) => `${path}/${option}`) }
    }),
  )
}

/** What is offered where nothing is typed: the options only where nothing else can follow. */
function usual({ words, options, takesAnything }: CompletionNode): readonly CompletionWord[] {
  return words.length > 0 || takesAnything ? words : options
}

const joined = (from: string, word: string): string => `${from} ${word}`.trim()

/** Between single quotes, in all three. */
const quoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`

function bash(nodes: Nodes): string {
  const list = (words: readonly CompletionWord[]): string =>
    quoted(words.map(({ word }) => word).join(' '))
  return `# eval "$(postern completion bash)"
_postern() {
  local path= words= options= last= i
  # readline makes three words of --option=value.
  local typed="\${COMP_WORDS[COMP_CWORD]#=}"
  COMPREPLY=()
  for ((i = 1; i < COMP_CWORD; i++)); do
    [ "\${COMP_WORDS[i]}" = '=' ] && continue
    last="\${COMP_WORDS[i]}"
    case "$path/$last" in
${steps(nodes)
  .map(
    ([from, word]) => `      ${quoted(`${from}/${word}`)}) path=${quoted(joined(from, word))} ;;`,
  )
  .join('\n')}
    esac
  done
  case "$path/$last" in
${valued(nodes)
  .map(({ after, choices }) => {
    const offered = `compgen -W ${quoted(choices.join(' '))} -- "$typed"`
    const reply = choices.length === 0 ? '' : ` COMPREPLY=($(${offered}));`
    return `    ${after.map(quoted).join('|')})${reply} return ;;`
  })
  .join('\n')}
  esac
  case "$path" in
${nodes
  .map(
    (node) =>
      `    ${quoted(node.path)}) words=${list(usual(node))} options=${list(node.options)} ;;`,
  )
  .join('\n')}
  esac
  [[ "$typed" == -* ]] && words="$options"
  COMPREPLY=($(compgen -W "$words" -- "$typed"))
}
complete -o default -F _postern postern
`
}

function zsh(nodes: Nodes): string {
  const described = ({ word, about }: CompletionWord): string =>
    quoted(`${word.replaceAll(':', '\\:')}:${about.replaceAll('\n', ' ')}`)
  const list = (words: readonly CompletionWord[]): string => `(${words.map(described).join(' ')})`
  return `#compdef postern
# eval "$(postern completion zsh)", or this file as _postern in a folder of $fpath
_postern() {
  local at= word last="\${words[CURRENT-1]}"
  local -a found options
  for word in "\${(@)words[2,CURRENT-1]}"; do
    case "$at/$word" in
${steps(nodes)
  .map(([from, word]) => `      ${quoted(`${from}/${word}`)}) at=${quoted(joined(from, word))} ;;`)
  .join('\n')}
    esac
  done
  if [[ "$PREFIX" == --*=* ]]; then
    last="\${PREFIX%%=*}"
    compset -P '*='
  fi
  case "$at/$last" in
${valued(nodes)
  .map(({ after, choices }) => {
    const offer = choices.length === 0 ? '_files' : `compadd -- ${choices.map(quoted).join(' ')}`
    return `    ${after.map(quoted).join('|')}) ${offer}; return ;;`
  })
  .join('\n')}
  esac
  case "$at" in
${nodes
  .map((node) => {
    const { path, options } = node
    return `    ${quoted(path)}) found=${list(usual(node))} options=${list(options)} ;;`
  })
  .join('\n')}
  esac
  [[ "$PREFIX" == -* ]] && found=("\${(@)options}")
  (( \${#found} )) && _describe postern found || _files
}
if [[ "\${funcstack[1]}" == _postern ]]; then
  _postern "$@"
else
  (( \${+functions[compdef]} )) || { autoload -Uz compinit && compinit }
  compdef _postern postern
fi
`
}

function fish(nodes: Nodes): string {
  const offered = nodes.flatMap(({ path, words, options }) =>
    [...words, ...options].map(({ word, about }) => {
      const what = word.startsWith('--') ? `-l ${word.slice(2)}` : `-f -a ${quoted(word)}`
      const about1 = about.replaceAll('\\', '\\\\').replaceAll("'", "\\'").replaceAll('\n', ' ')
      return `complete -c postern -n '__postern_at "${path}"' ${what} -d '${about1}'`
    }),
  )
  const follow = valued(nodes).flatMap(({ path, options, choices }) => {
    const names = options.map((each) =>
      each.startsWith('--') ? `-l ${each.slice(2)}` : `-s ${each.slice(1)}`,
    )
    const what = choices.length === 0 ? '-r' : `-x -a ${quoted(choices.join(' '))}`
    return [`complete -c postern -n '__postern_at "${path}"' ${names.join(' ')} ${what}`]
  })
  return `# postern completion fish | source
function __postern_at
  set -l at ''
  for word in (commandline -opc)[2..-1]
    switch "$at/$word"
${steps(nodes)
  .map(([from, word]) => `      case '${from}/${word}'\n        set at '${joined(from, word)}'`)
  .join('\n')}
    end
  end
  test "$at" = "$argv[1]"
end
${[...offered, ...follow].join('\n')}
`
}
