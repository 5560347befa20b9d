/** Domains whose mail is passed on, as the API has them: `postern relay`, with a history. */
import { relative, resolve } from 'node:path'
import type { Author, RelayOperations } from '../../admin/operations.ts'
import { Refusal } from '../../admin/refusal.ts'
import type { NewRelayedDomain, RelayChange, RelayedDomains } from '../../admin/schemas/policy.ts'
import { isPosternError } from '../../mail/errors.ts'
import {
  apply,
  planRelay,
  planRemoval,
  relayedDomains,
  type FileChange,
} from '../relayed-domains.ts'
import type { EditedFiles } from './edited-files.ts'

export class RelayFiles implements RelayOperations {
  readonly #folder: string
  readonly #files: EditedFiles

  constructor(folder: string, files: EditedFiles) {
    this.#folder = folder
    this.#files = files
  }

  async list(): Promise<RelayedDomains> {
    return {
      domains: relayedDomains(this.#folder).map(({ domain, to, accepted, verifiedBy }) => {
        const [hops = '', ...login] = to.trim().split(/\s+/)
        const asked = verifiedBy === undefined ? {} : { verifiedBy }
        return { domain, to: hops, login: login.length > 0, accepted, ...asked }
      }),
    }
  }

  add(
    { domain, to, verify = false, dryRun = false }: NewRelayedDomain,
    author: Author,
  ): Promise<RelayChange> {
    return this.#carryOut(() => planRelay(this.#folder, { domain, to, verify }), dryRun, author)
  }

  remove(domain: string, dryRun: boolean, author: Author): Promise<RelayChange> {
    return this.#carryOut(() => planRemoval(this.#folder, domain), dryRun, author)
  }

  async #carryOut(
    plan: () => readonly FileChange[],
    dryRun: boolean,
    author: Author,
  ): Promise<RelayChange> {
    const changes = plan().map((change) => ({
      change,
      path: relative(resolve(this.#folder), resolve(change.path)),
    }))
    if (!dryRun) {
      const paths = changes.map(({ path }) => path)
      const work = () =>
        apply(
          this.#folder,
          changes.map(({ change }) => change),
        )
      await this.#files.notingAll(paths, author, work).catch(changedMeanwhile)
    }
    return {
      written: !dryRun,
      changes: await Promise.all(
        changes.map(async ({ change: { before, after }, path }) => ({
          path,
          diff: await this.#files.diff(path, before, after),
        })),
      ),
    }
  }
}

function changedMeanwhile(error: unknown): never {
  if (isPosternError(error, 'ABORTED')) throw new Refusal('changed-meanwhile')
  throw error
}
