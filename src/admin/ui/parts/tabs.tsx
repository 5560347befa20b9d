/** Parts of a page with addresses of their own: links, not a widget. */
export function Tabs({
  label,
  tabs,
}: {
  readonly label: string
  readonly tabs: readonly {
    readonly href: string
    readonly title: string
    readonly here: boolean
  }[]
}) {
  return (
    <nav class="tabs" aria-label={label}>
      {tabs.map(({ href, title, here }) => (
        <a key={href} href={href} aria-current={here ? 'page' : undefined}>
          {title}
        </a>
      ))}
    </nav>
  )
}
