/** Domains, their users and aliases: accounts.db. */
import { Type, type Static } from 'typebox'
import { Count, Instant, Line, listOf, Name, next, oneOf, pageQuery, record } from './shapes.ts'

const Limit = Type.Integer({ minimum: 0, maximum: 1_000_000 })
const Quota = Type.String({
  maxLength: 40,
  description: 'Such as 100MB or 10485760S,1000C; none: no limit',
})

export const DomainSettings = {
  catchAll: Type.Optional(
    Type.String({ maxLength: 320, description: 'bounce, delete or an address' }),
  ),
  overQuota: Type.Optional(oneOf(['reject', 'defer'] as const)),
  maxUsers: Type.Optional(Type.Union([Limit, Type.Null()])),
  maxAliases: Type.Optional(Type.Union([Limit, Type.Null()])),
  quota: Type.Optional(Type.Union([Quota, Type.Null()])),
  defaultQuota: Type.Optional(Type.Union([Quota, Type.Null()])),
  /** All of them, in place of those that it had. */
  otherNames: Type.Optional(
    listOf(Type.String({ minLength: 1, maxLength: 255 }), { maxItems: 100 }),
  ),
}
export const Domain = record(
  {
    name: Type.String(),
    catchAll: Type.String(),
    overQuota: Type.String(),
    maxUsers: Type.Optional(Limit),
    maxAliases: Type.Optional(Limit),
    quota: Type.Optional(Type.String()),
    defaultQuota: Type.Optional(Type.String()),
    otherNames: listOf(Type.String()),
    users: Count,
    aliases: Count,
  },
  'Domain',
)
export const DomainPage = record({ items: listOf(Domain), next }, 'DomainPage')
export const NewDomain = record({ name: Name, ...DomainSettings })
export const DomainChange = record(DomainSettings)

export const accountFlagWords = ['no-login', 'no-smtp', 'no-pop', 'no-mail'] as const
export const UserSettings = {
  quota: Type.Optional(Type.Union([Quota, Type.Null()])),
  flags: Type.Optional(listOf(oneOf(accountFlagWords), { maxItems: 4 })),
  expiresAt: Type.Optional(Type.Union([Instant, Type.Null()])),
}
const Password = Type.String({ minLength: 1, maxLength: 512 })
export const MailUser = record(
  {
    user: Type.String(),
    domain: Type.Optional(Type.String()),
    quota: Type.Optional(Type.String()),
    flags: listOf(Type.String()),
    expiresAt: Type.Optional(Instant),
    createdAt: Instant,
    changedAt: Instant,
  },
  'MailUser',
)
export const MailUserPage = record({ items: listOf(MailUser), next }, 'MailUserPage')
export const NewMailUser = record({ user: Name, password: Password, ...UserSettings })
export const MailUserChange = record({ password: Type.Optional(Password), ...UserSettings })

export const Alias = record({ address: Type.String(), targets: listOf(Type.String()) }, 'Alias')
export const AliasPage = record({ items: listOf(Alias), next }, 'AliasPage')
const Targets = listOf(Type.String({ minLength: 1, maxLength: 320 }), {
  minItems: 1,
  maxItems: 1000,
})
export const NewAlias = record({ address: Name, targets: Targets })
export const AliasChange = record({ targets: Targets })

export const InDomainQuery = record({ ...pageQuery, domain: Type.Optional(Line) })

export type Domain = Static<typeof Domain>
export type DomainPage = Static<typeof DomainPage>
export type NewDomain = Static<typeof NewDomain>
export type DomainChange = Static<typeof DomainChange>
export type MailUser = Static<typeof MailUser>
export type MailUserPage = Static<typeof MailUserPage>
export type NewMailUser = Static<typeof NewMailUser>
export type MailUserChange = Static<typeof MailUserChange>
export type Alias = Static<typeof Alias>
export type AliasPage = Static<typeof AliasPage>
