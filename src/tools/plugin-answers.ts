/**
 * What plugins answer in the courier, held against the contract at run time: a route that is none would stop all mail of
 * its message, and a result that is none cannot be written down.
 */
import { isMailbox } from '../filter/check-edits.ts'
import { isPermanent, isSuccess, isTransient } from '../mail/status.ts'
import type { DeliveryResult } from '../mail/delivery-result.ts'
import type { Route } from '../mail/route.ts'

type Fits = (value: unknown) => boolean

/** What each route must carry beside its `key`. */
const routes: ReadonlyMap<unknown, Readonly<Record<string, Fits>>> = new Map<
  Route['transport'],
  Readonly<Record<string, Fits>>
>([
  ['maildir', { path: isName }],
  ['alias', { to: (value) => Array.isArray(value) && value.every(isMailbox) }],
  [
    'local',
    {
      user: isName,
      uid: isCount,
      gid: isCount,
      home: isName,
      dash: isText,
      extension: isText,
      local: isText,
      domain: isText,
    },
  ],
  ['smtp', { lookup: (value) => value === 'mx' || value === 'host', host: isName, port: isPort }],
  ['lmtp', { to: isNextHop }],
  ['qmtp', { host: isName, port: isPort }],
  ['plugin', { entry: isName }],
  ['fail', { status: (value) => isText(value) && isPermanent(value), text: isText }],
])

/** Why an answer of `route` is no route. */
export function routeProblem(route: unknown): string | undefined {
  if (!isRecord(route)) return `route answered ${route === null ? 'null' : typeof route}`
  const carries = routes.get(route['transport'])
  if (carries === undefined) {
    return `route answered the transport ${said(route['transport'])}; there are ${[...routes.keys()].join(', ')}`
  }
  const wrong = Object.entries({ key: isName, ...carries }).find(([key, fits]) => !fits(route[key]))
  return wrong === undefined
    ? undefined
    : `route answered ${said(route['transport'])} with the ${wrong[0]} ${said(route[wrong[0]])}`
}

const statuses: ReadonlyMap<unknown, (status: string) => boolean> = new Map<
  DeliveryResult['outcome'],
  (status: string) => boolean
>([
  ['delivered', isSuccess],
  ['deferred', isTransient],
  ['failed', isPermanent],
])

/** Why an answer of `deliver` cannot be what came of it. */
export function resultsProblem(results: unknown, recipients: number): string | undefined {
  if (!Array.isArray(results) || results.length !== recipients) {
    const many = Array.isArray(results) ? String(results.length) : 'no list of'
    return `deliver answered ${many} results for ${recipients} recipients`
  }
  for (const result of results as readonly unknown[]) {
    if (!isRecord(result)) return `deliver answered ${said(result)} for a recipient`
    const { outcome, status, text } = result
    const fits = statuses.get(outcome)
    if (fits === undefined) {
      return `deliver answered the outcome ${said(outcome)}; there are ${[...statuses.keys()].join(', ')}`
    }
    if (!isText(status) || !fits(status)) {
      return `deliver answered ${said(outcome)} with the status ${said(status)}`
    }
    if (!isText(text)) return `deliver answered ${said(outcome)} without a text`
  }
  return undefined
}

function said(value: unknown): string {
  return typeof value === 'string' ? `'${value.slice(0, 100)}'` : typeof value
}

function isText(value: unknown): value is string {
  return typeof value === 'string'
}

function isName(value: unknown): boolean {
  return isText(value) && value !== '' && !/\p{Cc}/u.test(value)
}

function isCount(value: unknown): boolean {
  return Number.isSafeInteger(value) && Number(value) >= 0
}

function isPort(value: unknown): boolean {
  return isCount(value) && Number(value) > 0 && Number(value) <= 65_535
}

function isNextHop(value: unknown): boolean {
  if (!isRecord(value)) return false
  return isName(value['path']) || (isName(value['host']) && isPort(value['port']))
}

function isRecord(value: unknown): value is { readonly [name: string]: unknown } {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
