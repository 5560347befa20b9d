/** One transaction: what was said, who decided, and what became of it since. */
import type { MessageDetails } from '../../../schemas/messages.ts'
import { useApp } from '../../app-context.ts'
import { plainText } from '../../format/lines.ts'
import { formatBytes, formatScore } from '../../format/numbers.ts'
import { formatDuration } from '../../format/times.ts'
import { pathOf } from '../../model/places.ts'
import { ChainPicture, Counterfactuals } from '../../parts/chain-picture.tsx'
import { Waiting } from '../../parts/listing.tsx'
import { Notice, ProblemNotice } from '../../parts/notice.tsx'
import { Page, Panel } from '../../parts/page.tsx'
import { Raw } from '../../parts/raw.tsx'
import { Status } from '../../parts/status.tsx'
import { useLoad } from '../../parts/use-load.ts'
import { When } from '../../parts/when.tsx'
import { Afterwards } from './afterwards.tsx'
import { wayIn } from './way-in.ts'

export function MessagePage({ id }: { readonly id: string }) {
  const { api } = useApp()
  const { value, error, loading } = useLoad(`message ${id}`, (signal) =>
    api.ask<MessageDetails>('GET', `/messages/${encodeURIComponent(id)}`, { signal }),
  )
  return (
    <Page title="Message" above={<a href={pathOf('messages')}>Messages</a>}>
      <ProblemNotice error={error} />
      {value === undefined ? <Waiting loading={loading} /> : <Message message={value} />}
    </Page>
  )
}

function Message({ message }: { readonly message: MessageDetails }) {
  const { outcome, steps, stage, counterfactuals, lost, partial, via } = message
  return (
    <div class="stack">
      <Panel>
        <Facts message={message} />
      </Panel>
      {via === undefined ? (
        <Panel title="How it was decided" flush>
          <ChainPicture steps={steps} stage={stage} outcome={outcome} />
          {counterfactuals.length === 0 ? null : (
            <div class="chain-end">
              <h3>What if</h3>
              <Counterfactuals all={counterfactuals} />
            </div>
          )}
          {lost === 0 ? null : (
            <div class="chain-end">
              <Notice kind="wait">{lost} steps were not kept: the record was full.</Notice>
            </div>
          )}
        </Panel>
      ) : null}
      <Afterwards message={message} />
      {partial ? <Notice>Only the recipients that you administer are shown.</Notice> : null}
      <Raw value={message} />
    </div>
  )
}

function Client({ of: { remote, hello, tls, listener } }: { readonly of: MessageDetails }) {
  return (
    <>
      {plainText(remote)}
      {hello === undefined ? '' : `, hello ${plainText(hello)}`}
      {tls === undefined ? ', no TLS' : `, ${plainText(tls)}`}
      {`, listener ${plainText(listener)}`}
    </>
  )
}

function Facts({ message }: { readonly message: MessageDetails }) {
  const { outcome, reply, told, score, thresholds } = message
  const levels = Object.entries(thresholds).map(([name, at]) => `${name} at ${String(at)}`)
  return (
    <dl class="facts">
      <dt>Outcome</dt>
      <dd>
        <Status of={outcome} />{' '}
        {reply === undefined ? null : plainText(`${reply.code} ${reply.status} ${reply.text}`)}
      </dd>
      <dt>When</dt>
      <dd>
        <When at={message.startedAt} />, {formatDuration(message.endedAt - message.startedAt)}
      </dd>
      <dt>Client</dt>
      <dd>{message.via === undefined ? <Client of={message} /> : wayIn(message.via)}</dd>
      {message.user === undefined ? null : (
        <>
          <dt>Login</dt>
          <dd>{plainText(message.user)}</dd>
        </>
      )}
      {message.failedLogin === undefined ? null : (
        <>
          <dt>Login</dt>
          <dd>{plainText(message.failedLogin)}, refused</dd>
        </>
      )}
      {message.via === undefined ? (
        <>
          <dt>Rule</dt>
          <dd>{plainText(message.environment)}</dd>
        </>
      ) : null}
      <dt>Sender</dt>
      <dd>{plainText(message.reversePath ?? 'none was named')}</dd>
      <dt>Recipients</dt>
      <dd>
        {told.length === 0 ? 'none was named' : null}
        <ul class="stack-tight">
          {told.map(({ address, accepted, ruled, reply: answer }, index) => (
            <li key={index}>
              {plainText(address)}{' '}
              {accepted ? null : (
                <Status of={(answer?.code ?? 500) < 500 ? 'deferred' : 'refused'} />
              )}{' '}
              {answer === undefined ? null : (
                <span class="muted">
                  {plainText(`${answer.code} ${answer.status} ${answer.text}`)}
                </span>
              )}{' '}
              {ruled === undefined ? null : <code>{plainText(ruled)}</code>}
            </li>
          ))}
        </ul>
      </dd>
      {score === undefined ? null : (
        <>
          <dt>Score</dt>
          <dd>
            {formatScore(score)}
            {levels.length === 0 ? '' : ` (${levels.join(', ')})`}
          </dd>
        </>
      )}
      {message.sizeBytes === undefined ? null : (
        <>
          <dt>Size</dt>
          <dd>{formatBytes(message.sizeBytes)}</dd>
        </>
      )}
    </dl>
  )
}
