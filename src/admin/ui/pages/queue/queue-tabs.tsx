import { pathOf } from '../../model/places.ts'
import { Tabs } from '../../parts/tabs.tsx'

const tabs = [
  { name: undefined, title: 'Messages' },
  { name: 'tls', title: 'TLS' },
  { name: 'spool', title: 'Spool' },
] as const

export type QueueTab = (typeof tabs)[number]['name']

/** No id of a queued message is as short as these. */
export function queueTabOf(word: string | undefined): { readonly name: QueueTab } | undefined {
  return tabs.find(({ name }) => name === word)
}

export function QueueTabs({ here }: { readonly here: QueueTab }) {
  return (
    <Tabs
      label="Parts of the queue"
      tabs={tabs.map(({ name, title }) => ({
        href: pathOf('queue', name === undefined ? [] : [name]),
        title,
        here: name === here,
      }))}
    />
  )
}
