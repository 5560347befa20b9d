import type { ComponentChildren } from 'preact'
import { BrandMark } from '../../parts/brand-mark.tsx'

/** What is seen before anybody is known. */
export function Front({
  title,
  children,
}: {
  readonly title: string
  readonly children: ComponentChildren
}) {
  return (
    <main class="alone">
      <div class="brand">
        <BrandMark />
        Postern
      </div>
      <h1>{title}</h1>
      {children}
    </main>
  )
}
