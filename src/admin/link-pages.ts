/** The few pages behind the links of digests, as HTML. What comes from mail stands in them as text only. */
import { formatDate } from '../mail/trace-fields.ts'
import type { LinkedMessage, LinkReading } from './operations.ts'

export type LinkProblem =
  | Extract<LinkReading, { readonly ok: false }>['problem']
  | 'busy'
  | 'unavailable'

export const style = `
:root { color-scheme: light dark; font: 1rem/1.5 system-ui, sans-serif }
body { max-width: 36rem; margin: 3rem auto; padding: 0 1rem; overflow-wrap: anywhere }
dt { font-weight: 600 } dd { margin: 0 0 .75rem }
button { font: inherit; padding: .5rem 1.25rem; min-height: 2.75rem; cursor: pointer }
`

const questions = {
  release: ['Let this message through?', 'Let it through'],
  delete: ['Delete this message?', 'Delete it'],
} as const

/** Asks once more. @param token for the form */
export function askPage(message: LinkedMessage, token: string): string {
  const [question, button] = questions[message.action]
  return page(question, [
    facts(message),
    // To where it came from: a proxy before us may call this page by another path.
    '<form method="post">',
    `<input type="hidden" name="token" value="${escaped(token)}">`,
    `<button type="submit">${button}</button>`,
    '</form>',
    '<p>If you do nothing, it stays where it is until it is deleted.</p>',
  ])
}

export function donePage(message: LinkedMessage): string {
  return message.action === 'release'
    ? page('The message is on its way', [facts(message)])
    : page('The message is deleted', [facts(message)])
}

const problems: Readonly<Record<LinkProblem, readonly [title: string, text: string]>> = {
  forged: ['This link is not complete', 'Open it from the mail again, or ask your postmaster.'],
  expired: ['This link is too old', 'Ask your postmaster, if you still need the message.'],
  used: ['This link was used already', 'There is nothing more to do.'],
  gone: [
    'The message is not held any more',
    'It was let through or deleted, or it was kept for as long as messages are kept.',
  ],
  'not-yours': ['Only an administrator may do that', 'Ask your postmaster for the message.'],
  busy: ['Too many requests', 'Wait a minute, then open the link again.'],
  unavailable: ['That is not possible at the moment', 'Open the link again later.'],
}

export function problemPage(problem: LinkProblem): string {
  const [title, text] = problems[problem]
  return page(title, [`<p>${text}</p>`])
}

/** `bdi`: a name that is written from right to left turns nothing around but itself. */
function facts({ receivedAt, reversePath, subject, recipient }: LinkedMessage): string {
  const rows = [
    ['From', reversePath],
    ['Subject', subject === '' ? '(none)' : subject],
    ['Date', formatDate(receivedAt)],
    ['For', recipient],
  ] as const
  const items = rows.map(([name, value]) => `<dt>${name}</dt><dd><bdi>${escaped(value)}</bdi></dd>`)
  return `<dl>${items.join('')}</dl>`
}

function page(title: string, body: readonly string[]): string {
  return [
    '<!doctype html>',
    '<html lang="en">',
    '<head>',
    '<meta charset="utf-8">',
    '<meta name="viewport" content="width=device-width">',
    `<title>${title}</title>`,
    `<style>${style}</style>`,
    '</head>',
    `<body><main><h1>${title}</h1>`,
    ...body,
    '</main></body>',
    '</html>\n',
  ].join('\n')
}

function escaped(text: string): string {
  return text
    .toWellFormed()
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll("'", '&#39;')
}
