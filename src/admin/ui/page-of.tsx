/** The one table from places to pages. */
import { chainPlaceOf } from './model/chain-places.ts'
import type { Place } from './model/places.ts'
import { ChainEntryPage } from './pages/chain/chain-entry-page.tsx'
import { ChainPage } from './pages/chain/chain-page.tsx'
import { DomainPage } from './pages/domains/domain-page.tsx'
import { DomainsPage } from './pages/domains/domains-page.tsx'
import { MessagePage } from './pages/messages/message-page.tsx'
import { MessagesPage } from './pages/messages/messages-page.tsx'
import { NowPage } from './pages/now/now-page.tsx'
import { PolicyPage } from './pages/policy/policy-page.tsx'
import { HeldPage } from './pages/quarantine/held-page.tsx'
import { QuarantinePage } from './pages/quarantine/quarantine-page.tsx'
import { QueuePage } from './pages/queue/queue-page.tsx'
import { QueuedPage } from './pages/queue/queued-page.tsx'
import { queueTabOf } from './pages/queue/queue-tabs.tsx'
import { SystemPage } from './pages/system/system-page.tsx'
import { TryPage } from './pages/try/try-page.tsx'

export function PageOf({ place: { page, rest, query } }: { readonly place: Place }) {
  const [first] = rest
  switch (page) {
    case 'now':
      return <NowPage />
    case 'messages':
      return first === undefined ? <MessagesPage query={query} /> : <MessagePage id={first} />
    case 'queue': {
      const tab = queueTabOf(first)
      if (tab !== undefined) return <QueuePage tab={tab.name} query={query} />
      return <QueuedPage id={first ?? ''} />
    }
    case 'quarantine':
      return first === undefined ? <QuarantinePage query={query} /> : <HeldPage id={first} />
    case 'chain':
      return <ChainPart of={chainPlaceOf(rest)} />
    case 'policy':
      return <PolicyPage tab={first} query={query} />
    case 'domains':
      return first === undefined ? <DomainsPage /> : <DomainPage name={first} />
    case 'try':
      return <TryPage query={query} />
    case 'system':
      return <SystemPage tab={first} />
  }
}

function ChainPart({ of }: { readonly of: ReturnType<typeof chainPlaceOf> }) {
  return 'entry' in of ? <ChainEntryPage name={of.entry} /> : <ChainPage tab={of.tab} />
}
