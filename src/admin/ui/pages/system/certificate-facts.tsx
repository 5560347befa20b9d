import type { Certificate } from '../../../schemas/system.ts'
import { nowMs } from '../../browser/clock.ts'
import { plainText } from '../../format/lines.ts'
import { certificateState } from '../../model/certificate-state.ts'
import { Icon } from '../../parts/icon.tsx'
import { Age } from '../../parts/when.tsx'

export function CertificateFacts({ certificate }: { readonly certificate: Certificate }) {
  const { subject, issuer, names, notAfter } = certificate
  const { tone, icon, word } = certificateState(certificate, nowMs())
  return (
    <div>
      <span class={`status tone-${tone}`}>
        <Icon name={icon} />
        {word}
      </span>{' '}
      {notAfter > nowMs() ? (
        <>
          for <Age at={notAfter} />
        </>
      ) : (
        <>
          since <Age at={notAfter} />
        </>
      )}
      <div class="line-2 break">
        {plainText(names.map((name) => name.replace(/^DNS:/, '')).join(', ') || subject)}
        {subject === issuer ? ', self-signed' : `, by ${plainText(issuer)}`}
      </div>
    </div>
  )
}
