import type { ComponentChildren } from 'preact'
import { useEffect } from 'preact/hooks'

/**
 * A page: its heading names the window, and takes the focus when the page has changed (the shell sees to that), so
 * that a reader hears where it is.
 */
export function Page({
  title,
  actions,
  above,
  children,
}: {
  readonly title: string
  readonly actions?: ComponentChildren
  /** Where this page hangs below another. */
  readonly above?: ComponentChildren
  readonly children: ComponentChildren
}) {
  useEffect(() => {
    document.title = `${title} · Postern`
  }, [title])
  return (
    <>
      {above === undefined ? null : <p class="crumb">{above}</p>}
      <div class="page-head">
        <h1 tabIndex={-1}>{title}</h1>
        {actions === undefined ? null : <div class="actions">{actions}</div>}
      </div>
      {children}
    </>
  )
}

/** A framed part of a page, with its own heading. */
export function Panel({
  title,
  actions,
  flush = false,
  children,
}: {
  readonly title?: string
  readonly actions?: ComponentChildren
  /** Its content brings its own margins. */
  readonly flush?: boolean
  readonly children: ComponentChildren
}) {
  return (
    <section class="panel" aria-label={title}>
      {title === undefined ? null : (
        <div class="panel-head">
          <h2>{title}</h2>
          {actions === undefined ? null : <div class="actions">{actions}</div>}
        </div>
      )}
      {flush ? children : <div class="panel-body">{children}</div>}
    </section>
  )
}
