import { pathOf } from '../../model/places.ts'
import { Page } from '../../parts/page.tsx'
import { Tabs } from '../../parts/tabs.tsx'
import { Greylist } from './greylist.tsx'
import { Lists } from './lists.tsx'
import { RelayDomains } from './relay-domains.tsx'
import { Rules } from './rules.tsx'

export function PolicyPage({
  tab = 'rules',
  query,
}: {
  readonly tab: string | undefined
  readonly query: URLSearchParams
}) {
  return (
    <Page title="Policy">
      <Tabs
        label="Parts of the policy"
        tabs={[
          { href: pathOf('policy'), title: 'Rules by client', here: tab === 'rules' },
          { href: pathOf('policy', ['lists']), title: 'Lists', here: tab === 'lists' },
          { href: pathOf('policy', ['greylist']), title: 'Greylist', here: tab === 'greylist' },
          { href: pathOf('policy', ['relay']), title: 'Relay domains', here: tab === 'relay' },
        ]}
      />
      <Tab name={tab} query={query} />
    </Page>
  )
}

function Tab({ name, query }: { readonly name: string; readonly query: URLSearchParams }) {
  switch (name) {
    case 'lists':
      return <Lists />
    case 'greylist':
      return <Greylist query={query} />
    case 'relay':
      return <RelayDomains />
    default:
      return <Rules />
  }
}
