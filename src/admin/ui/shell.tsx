/** Navigation beside the page; what a role may not do is not offered. */
import { useEffect, useRef, useState } from 'preact/hooks'
import type { SessionView } from '../schemas/access.ts'
import { useApp } from './app-context.ts'
import { focusHeading, focusSearch, listenToKeys, moveInRows } from './browser/keyboard.ts'
import { applyTheme, nextTheme, savedTheme, type Theme } from './browser/theme.ts'
import type { IconName } from './model/icons.ts'
import type { KeyCommand } from './model/keys.ts'
import { pathOf, type PageName, type Place } from './model/places.ts'
import { mayOpen, pagesFor } from './model/rights.ts'
import { BrandMark } from './parts/brand-mark.tsx'
import { Empty } from './parts/empty.tsx'
import { Icon } from './parts/icon.tsx'
import { KeysDialog } from './parts/keys-dialog.tsx'
import { Notice } from './parts/notice.tsx'
import { Page } from './parts/page.tsx'
import { PageOf } from './page-of.tsx'

export function Shell({ session }: { readonly session: SessionView }) {
  const { navigation, lost, said } = useApp()
  const [help, setHelp] = useState(false)
  const main = useRef<HTMLElement>(null)
  const place = useLandingPlace(session)
  useEffect(() => {
    const obey = (command: KeyCommand): void => {
      switch (command.do) {
        case 'go':
          if (mayOpen(command.page, session.permissions)) navigation.go(pathOf(command.page))
          break
        case 'search':
          focusSearch()
          break
        case 'next':
          moveInRows(1)
          break
        case 'previous':
          moveInRows(-1)
          break
        case 'help':
          setHelp(true)
          break
        case 'leave':
          main.current?.focus()
          break
      }
    }
    return listenToKeys(obey)
  }, [session])
  const here = `${place?.page ?? ''} ${place?.rest.join('/') ?? ''}`
  const shown = useRef(here)
  useEffect(() => {
    if (shown.current === here) return
    shown.current = here
    focusHeading()
  }, [here])
  return (
    <>
      <a class="skip" href="#main">
        Skip to the page
      </a>
      <div class="shell">
        <Side session={session} page={place?.page} onHelp={() => setHelp(true)} />
        <div>
          <div role="status">
            {lost.value ? (
              <div class="lost">
                <Icon name="clock" />
                The gateway does not answer. What is shown may be old; trying again …
              </div>
            ) : null}
          </div>
          <main id="main" tabIndex={-1} ref={main}>
            {place === undefined ? (
              <Nowhere />
            ) : mayOpen(place.page, session.permissions) ? (
              <PageOf place={place} />
            ) : (
              <Page title="Not for you">
                <Empty title="Your role does not open this page">
                  Ask an administrator if you need it.
                </Empty>
              </Page>
            )}
          </main>
        </div>
      </div>
      <div class="toast" role="status">
        {said.value === '' ? null : <Notice kind="good">{said.value}</Notice>}
      </div>
      {help ? <KeysDialog session={session} onClose={() => setHelp(false)} /> : null}
    </>
  )
}

/** Whoever may not see the landing page lands on the first one that opens. */
function useLandingPlace({ permissions }: SessionView): Place | undefined {
  const { navigation } = useApp()
  const place = navigation.place.value
  const first = pagesFor(permissions)[0]
  const elsewhere =
    place?.page === 'now' && first !== undefined && !mayOpen('now', permissions)
      ? pathOf(first.name)
      : location.pathname === '/setup' || location.pathname === '/login'
        ? pathOf(first?.name ?? 'now')
        : undefined
  useEffect(() => {
    if (elsewhere !== undefined) navigation.replace(elsewhere)
  }, [elsewhere])
  return place
}

function Side({
  session,
  page,
  onHelp,
}: {
  readonly session: SessionView
  readonly page: PageName | undefined
  readonly onHelp: () => void
}) {
  const { api } = useApp()
  const [open, setOpen] = useState(false)
  useEffect(() => setOpen(false), [page])
  const leave = (): void => {
    api.ask('DELETE', '/session').then(
      () => location.assign('/'),
      () => undefined,
    )
  }
  return (
    <header class="side" data-open={open ? '' : undefined}>
      <div class="side-top">
        <a class="brand" href="/">
          <BrandMark />
          Postern
        </a>
        <button
          type="button"
          class="button button-bare menu-button"
          aria-expanded={open}
          aria-controls="nav"
          onClick={() => setOpen(!open)}
        >
          <Icon name="menu" />
          Menu
        </button>
      </div>
      <nav id="nav" class="nav" aria-label="Pages">
        {pagesFor(session.permissions).map(({ name, title }) => (
          <a key={name} href={pathOf(name)} aria-current={name === page ? 'page' : undefined}>
            <Icon name={name} />
            {title}
          </a>
        ))}
      </nav>
      <div class="side-foot">
        <div class="who">
          {session.user} <span class="muted">{session.role}</span>
        </div>
        <div class="row">
          <ThemeButton />
          <button type="button" class="button button-bare button-small" onClick={onHelp}>
            <kbd>?</kbd> Keys
          </button>
          <button type="button" class="button button-bare button-small" onClick={leave}>
            <Icon name="out" /> Log out
          </button>
        </div>
      </div>
    </header>
  )
}

const themeIcons: Readonly<Record<Theme, IconName>> = { system: 'auto', light: 'sun', dark: 'moon' }

function ThemeButton() {
  const [theme, setTheme] = useState(savedTheme())
  const turn = (): void => {
    const next = nextTheme(theme)
    applyTheme(next)
    setTheme(next)
  }
  return (
    <button
      type="button"
      class="button button-bare button-small"
      aria-label={`Colours: ${theme}. Change`}
      title={`Colours: ${theme}`}
      onClick={turn}
    >
      <Icon name={themeIcons[theme]} />
    </button>
  )
}

function Nowhere() {
  return (
    <Page title="Nothing here">
      <Empty title="No page has this address">
        Choose one from the menu, or press <kbd>g</kbd> <kbd>n</kbd>.
      </Empty>
    </Page>
  )
}
