/** A session that does not happen: what would be said to this client, this sender, this message. */
import { useState } from 'preact/hooks'
import type { TryRequest, TryResult } from '../../../schemas/system.ts'
import { useApp } from '../../app-context.ts'
import { nowMs } from '../../browser/clock.ts'
import { plainText } from '../../format/lines.ts'
import { lastStageOf } from '../../model/last-stage.ts'
import { ChainPicture } from '../../parts/chain-picture.tsx'
import { Empty } from '../../parts/empty.tsx'
import { TextArea, TextField } from '../../parts/fields.tsx'
import { Notice, ProblemNotice } from '../../parts/notice.tsx'
import { Page, Panel } from '../../parts/page.tsx'
import { Status } from '../../parts/status.tsx'

/** As it would be written now: entries judge what comes from another time. */
function exampleAt(ms: number): string {
  return `From: Ann <ann@example.org>
To: bob@example.net
Subject: Hello
Date: ${new Date(ms).toUTCString().replace('GMT', '+0000')}
Message-ID: <1@example.org>

Hello Bob.
`
}

interface Draft {
  readonly ip: string
  readonly host: string
  readonly hello: string
  readonly listener: string
  readonly user: string
  readonly reversePath: string
  readonly recipients: string
  readonly message: string
}

export function TryPage({ query }: { readonly query: URLSearchParams }) {
  const { api } = useApp()
  const [draft, setDraft] = useState<Draft>({
    ip: query.get('ip') ?? '192.0.2.7',
    host: '',
    hello: 'client.example.org',
    listener: '',
    user: '',
    reversePath: query.get('from') ?? 'ann@example.org',
    recipients: query.get('to') ?? '',
    message: exampleAt(nowMs()),
  })
  const [result, setResult] = useState<TryResult | undefined>()
  const [error, setError] = useState<unknown>()
  const [busy, setBusy] = useState(false)
  const bind = (name: keyof Draft) => ({
    value: draft[name],
    onText: (text: string) => setDraft({ ...draft, [name]: text }),
  })
  const tryIt = async (event: Event): Promise<void> => {
    event.preventDefault()
    setBusy(true)
    setError(undefined)
    try {
      setResult(await api.ask<TryResult>('POST', '/try', { body: requestOf(draft) }))
    } catch (problem) {
      setResult(undefined)
      setError(problem)
    }
    setBusy(false)
  }
  return (
    <Page title="Try it">
      <div class="stack">
        <Panel title="A session that nobody is told of">
          <form class="form" onSubmit={(event) => void tryIt(event)}>
            <div class="form-columns">
              <TextField label="Client IP" required search {...bind('ip')} />
              <TextField
                label="Client name"
                hint="As if the DNS said so; empty: none"
                placeholder="client.example.org"
                {...bind('host')}
              />
              <TextField label="HELO" {...bind('hello')} />
              <TextField
                label="Listener"
                hint="By its name; empty: the first one"
                placeholder="submission"
                {...bind('listener')}
              />
              <TextField label="Login" hint="As if this user had logged in" {...bind('user')} />
              <TextField label="Sender" hint="Empty: the null path" {...bind('reversePath')} />
            </div>
            <TextArea
              label="Recipients"
              hint="One on each line"
              rows={2}
              placeholder="bob@example.net"
              {...bind('recipients')}
            />
            <TextArea
              label="Message"
              hint="Header and body; empty: the session ends after the recipients"
              rows={9}
              {...bind('message')}
            />
            <ProblemNotice error={error} />
            <div class="row">
              <button type="submit" class="button button-main" disabled={busy}>
                {busy ? 'Asking the chain …' : 'Try it'}
              </button>
              <span class="muted">Nothing is delivered, nothing is recorded.</span>
            </div>
          </form>
        </Panel>
        <div aria-live="polite">
          {result === undefined ? (
            error === undefined ? (
              <Empty title="Nothing tried yet">
                The answer appears here, with every entry's opinion.
              </Empty>
            ) : null
          ) : (
            <Result result={result} />
          )}
        </div>
      </div>
    </Page>
  )
}

/** What is left empty is not sent. */
function requestOf(draft: Draft): TryRequest {
  const { ip, host, hello, listener, user, reversePath, recipients, message } = draft
  const optional = { host, hello, listener, user }
  const given = Object.entries(optional).flatMap(([name, value]) =>
    value.trim() === '' ? [] : [[name, value.trim()] as const],
  )
  return {
    ...Object.fromEntries(given),
    ip: ip.trim(),
    reversePath: reversePath.trim(),
    recipients: recipients
      .split(/[\n,]/)
      .map((each) => each.trim())
      .filter((each) => each !== ''),
    ...(message.trim() === '' ? {} : { message: message.replaceAll(/\r?\n/g, '\r\n') }),
  }
}

function Result({ result }: { readonly result: TryResult }) {
  const { outcome, replies, rule, steps, check } = result
  return (
    <div class="stack">
      <Panel title="What the client would be told">
        <div class="stack-tight">
          <p>
            <Status of={outcome} />
          </p>
          <dl class="facts">
            {replies.map(({ verb, code, status, text }, index) => (
              <>
                <dt key={index} class="mono">
                  {plainText(verb)}
                </dt>
                <dd class="mono">{plainText(`${code} ${status} ${text}`)}</dd>
              </>
            ))}
            {rule === undefined ? null : (
              <>
                <dt>Rule</dt>
                <dd>{plainText(rule)}</dd>
              </>
            )}
          </dl>
          {check.length === 0 ? null : (
            <Notice kind="wait">
              {check.map((line, index) => (
                <div key={index}>{plainText(line)}</div>
              ))}
            </Notice>
          )}
        </div>
      </Panel>
      <Panel title="How it would be decided" flush>
        <ChainPicture steps={steps} stage={lastStageOf(steps)} outcome={outcome} />
      </Panel>
    </div>
  )
}
