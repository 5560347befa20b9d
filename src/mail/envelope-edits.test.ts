import { describe, expect, test } from 'vitest'
import { formatMailbox, formatPath, type Mailbox } from './address.ts'
import type { EnvelopeEdit } from './edits.ts'
import { applyEnvelopeEdits } from './envelope-edits.ts'
import type { Envelope } from './envelope.ts'

const at = (localPart: string): Mailbox => ({ localPart, domain: 'example.org' })
const ann = { mailbox: at('ann') }
const bob = { mailbox: at('bob'), notify: ['never'] as const }
const envelope: Envelope = {
  reversePath: at('sender'),
  recipients: [ann, bob],
  bodyType: '7bit',
  smtputf8: false,
  requireTls: false,
}

const after = (...edits: readonly EnvelopeEdit[]): string => {
  const { reversePath, recipients } = applyEnvelopeEdits(envelope, edits)
  return [formatPath(reversePath), ...recipients.map(({ mailbox }) => formatMailbox(mailbox))].join(
    ' ',
  )
}

describe('envelope edits', () => {
  test('of which there are none change nothing', () => {
    expect(applyEnvelopeEdits(envelope, [])).toBe(envelope)
  })

  test('set the reverse-path', () => {
    expect(after({ edit: 'setReversePath', reversePath: null })).toBe(
      '<> ann@example.org bob@example.org',
    )
  })

  test('add a recipient once', () => {
    const cat = { mailbox: at('cat') }
    expect(
      after({ edit: 'addRecipient', recipient: cat }, { edit: 'addRecipient', recipient: cat }),
    ).toBe('<sender@example.org> ann@example.org bob@example.org cat@example.org')
    expect(
      after({
        edit: 'addRecipient',
        recipient: { mailbox: { localPart: 'ann', domain: 'EXAMPLE.org' } },
      }),
    ).toBe('<sender@example.org> ann@example.org bob@example.org')
  })

  test('remove recipients, the last one too', () => {
    expect(
      after({ edit: 'removeRecipient', mailbox: { localPart: 'ann', domain: 'Example.Org' } }),
    ).toBe('<sender@example.org> bob@example.org')
    expect(
      after(
        { edit: 'removeRecipient', mailbox: at('ann') },
        { edit: 'removeRecipient', mailbox: at('bob') },
      ),
    ).toBe('<sender@example.org>')
  })

  test('replace a recipient where it stands, with its parameters', () => {
    const cat = { mailbox: at('cat'), notify: ['failure'] as const }
    const edit: EnvelopeEdit = { edit: 'replaceRecipient', mailbox: at('ann'), by: cat }
    expect(applyEnvelopeEdits(envelope, [edit]).recipients).toEqual([cat, bob])
    expect(after({ edit: 'replaceRecipient', mailbox: at('ann'), by: bob })).toBe(
      '<sender@example.org> bob@example.org',
    )
    expect(after({ edit: 'replaceRecipient', mailbox: at('nobody'), by: cat })).toBe(
      '<sender@example.org> ann@example.org bob@example.org',
    )
  })
})
