/** Whether every entry will find what it needs: a question of order and modes that must not wait for mail to show it. */
import type { EntryConfig } from './entry.ts'
import { mistakeAt, type Mistake } from '../plugin/mistake.ts'

export function checkNeeds(configs: readonly EntryConfig[]): readonly Mistake[] {
  return configs.flatMap((config, index) => {
    if (config.mode === 'off') return []
    return (config.plugin.needs ?? []).flatMap(({ name }) => {
      const wrong = wrongProvider(configs, index, name)
      return wrong === undefined ? [] : [mistakeAt(config.place, [], wrong)]
    })
  })
}

function wrongProvider(
  configs: readonly EntryConfig[],
  index: number,
  finding: string,
): { readonly problem: string; readonly remedy: string } | undefined {
  const config = configs[index]
  const provides = ({ plugin }: EntryConfig): boolean =>
    plugin.provides?.some(({ name }) => name === finding) === true
  const earlier = configs.slice(0, index).filter(provides)
  const problem = `${config?.name ?? ''} needs the finding ${finding}`

  const working = earlier.filter(({ mode }) => mode !== 'off')
  if (working.length === 0) {
    const off = earlier[0]
    if (off !== undefined) {
      return { problem: `${problem}, and ${off.name} is off`, remedy: `switch ${off.name} on` }
    }
    const later = configs.slice(index + 1).find(provides)
    return later === undefined
      ? { problem: `${problem}, and no entry provides it`, remedy: 'add one that does before it' }
      : { problem: `${problem}, and ${later.name} comes later`, remedy: `put ${later.name} first` }
  }
  if (config?.mode === 'enforce' && working.every(({ mode }) => mode === 'shadow')) {
    const names = working.map(({ name }) => name).join(', ')
    return {
      problem: `${problem}, and only ${names} in shadow mode provides it`,
      remedy: `enforce ${names}, or put this entry in shadow mode too`,
    }
  }
  if (config?.first === true && working.every(({ first }) => !first)) {
    const names = working.map(({ name }) => name).join(', ')
    return {
      problem: `${problem}, and it runs first, before ${names}`,
      remedy: `mark ${names} as first too, or take first from this entry`,
    }
  }
  return undefined
}
