import { Type } from 'typebox'
import type { ChainOperations } from '../operations.ts'
import { found } from '../refusal.ts'
import { authorOf } from '../author.ts'
import { route, type Route } from '../route.ts'
import { Chain, ChainEntryChange, ChainEntryDetails } from '../schemas/chain.ts'
import { record } from '../schemas/shapes.ts'
import { Change, Preview } from '../schemas/configuration.ts'

const EntryName = record({ name: Type.String({ minLength: 1, maxLength: 64 }) })

export function chainRoutes(chain: ChainOperations): readonly Route[] {
  return [
    route(
      {
        method: 'GET',
        url: '/chain',
        permission: 'chain:read',
        summary: 'The entries of the chain, in order, with what they did',
        answer: Chain,
      },
      () => chain.list(),
    ),
    route(
      {
        method: 'GET',
        url: '/chain/:name',
        permission: 'chain:read',
        summary: 'One entry with the JSON schema of its options',
        params: EntryName,
        answer: ChainEntryDetails,
      },
      async ({ params: { name } }) => found(await chain.show(name), `entry ${name}`),
    ),
    route(
      {
        method: 'POST',
        url: '/chain/:name/preview',
        permission: 'chain:write',
        summary: 'What a change of an entry would do to postern.yaml; nothing is written',
        params: EntryName,
        body: ChainEntryChange,
        example: { mode: 'shadow', note: 'too many complaints' },
        answer: Preview,
        rate: 'strict',
      },
      ({ params: { name }, body }) => chain.preview(name, body),
    ),
    route(
      {
        method: 'PATCH',
        url: '/chain/:name',
        permission: 'chain:write',
        summary: 'Change the mode, the options or the limits of an entry, if the result is sound',
        params: EntryName,
        body: ChainEntryChange,
        example: { mode: 'shadow', note: 'too many complaints' },
        answer: Change,
        audit: 'chain.change',
        rate: 'strict',
      },
      async (asked) => {
        const { name } = asked.params
        asked.note({ target: name, details: { mode: asked.body.mode } })
        const change = await chain.change(name, asked.body, authorOf(asked))
        asked.note({ target: name, details: { history: change.id, mode: asked.body.mode } })
        return change
      },
    ),
  ]
}
