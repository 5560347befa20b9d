/** The address bar. */
import { signal, type ReadonlySignal } from '@preact/signals'
import { placeOf, type Place } from '../model/places.ts'

export interface Navigation {
  /** Undefined: no page has this address. */
  readonly place: ReadonlySignal<Place | undefined>
  go(url: string): void
  /** Changes the address without a step in the history: for filters as they are typed. */
  replace(url: string): void
}

export function openNavigation(): Navigation {
  const here = (): Place | undefined => placeOf(location.pathname, location.search)
  const place = signal(here())
  const go = (url: string): void => {
    if (url !== location.pathname + location.search) history.pushState(null, '', url)
    place.value = here()
    scrollTo(0, 0)
  }
  addEventListener('popstate', () => {
    place.value = here()
  })
  document.addEventListener('click', (event) => {
    const url = ownLink(event)
    if (url === undefined) return
    event.preventDefault()
    go(url)
  })
  return {
    place,
    go,
    replace(url) {
      history.replaceState(null, '', url)
      place.value = here()
    },
  }
}

/** A plain click on a link to one of our pages; anything else is the browser's. */
function ownLink(event: MouseEvent): string | undefined {
  if (event.defaultPrevented || event.button !== 0) return undefined
  if (event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return undefined
  const link = event.target instanceof Element ? event.target.closest('a[href]') : null
  if (!(link instanceof HTMLAnchorElement) || link.target !== '' || link.download !== '') {
    return undefined
  }
  const ours = link.origin === location.origin && placeOf(link.pathname) !== undefined
  return ours && link.hash === '' ? link.pathname + link.search : undefined
}
