import type { RelayOperations } from '../operations.ts'
import { route, type Route } from '../route.ts'
import { NewRelayedDomain, RelayChange, RelayedDomains, RelayQuery } from '../schemas/policy.ts'
import { Name, record } from '../schemas/shapes.ts'

const Named = record({ name: Name })

export function relayRoutes(relays: RelayOperations): readonly Route[] {
  return [
    route(
      {
        method: 'GET',
        url: '/relay-domains',
        permission: 'policy:read',
        summary: 'Domains whose mail is taken and passed on',
        answer: RelayedDomains,
      },
      () => relays.list(),
    ),
    route(
      {
        method: 'POST',
        url: '/relay-domains',
        permission: 'configuration:write',
        summary: 'Write rcpthosts, smtproutes and the recipient check together, or change them',
        body: NewRelayedDomain,
        example: { domain: 'example.org', to: 'mail.example.org:25', dryRun: true },
        answer: RelayChange,
        audit: 'relay.add',
        rate: 'strict',
      },
      ({ body, caller, note }) => {
        // Behind the host may stand a login.
        const to = body.to.trim().replace(/\s.*$/s, ' ***')
        note({ target: body.domain, details: { ...body, to } })
        return relays.add(body, { name: caller.name })
      },
    ),
    route(
      {
        method: 'DELETE',
        url: '/relay-domains/:name',
        permission: 'configuration:write',
        summary: 'Take and pass on no mail for it any more',
        params: Named,
        query: RelayQuery,
        answer: RelayChange,
        audit: 'relay.remove',
        rate: 'strict',
      },
      ({ params: { name }, query: { dryRun = false }, caller, note }) => {
        note({ target: name, details: { dryRun } })
        return relays.remove(name, dryRun, { name: caller.name })
      },
    ),
  ]
}
