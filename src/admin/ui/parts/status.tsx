import { lookOf } from '../model/outcomes.ts'
import { Icon } from './icon.tsx'

/** What became of something: an icon, a word, a colour. */
export function Status({ of, would = false }: { readonly of: string; readonly would?: boolean }) {
  const { word, tone, icon } = lookOf(of)
  return (
    <span class={`status tone-${would ? 'shadow' : tone}`}>
      <Icon name={would ? 'eye' : icon} />
      {would ? `would ${word}` : word}
    </span>
  )
}
