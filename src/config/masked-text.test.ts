import { describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { option } from '../plugin/option-makers.ts'
import { MaskedText, pluginsIn } from './masked-text.ts'
import { maskedOptions, restoredOptions } from './secret-values.ts'

const shape = {
  key: option.secret(),
  environment: option.strings({ secret: true }),
  password: option.file(),
  lists: option.strings(),
}
const known = new Map([['ask', shape]])
const yaml = `
# smtp_password: hush0
alerts: { to: [root@example.org], webhook: https://hooks.example/T1/hush1 } # the token: none
telemetry:
  traces: https://ops:hush2@otel.example/v1
  headers:
    X-Scope: hush3
chain:
  - plugin: ask
    options:
      key: "hush: 4" # by hand
      environment: [HOME=/tmp, DB=hush5]
      password: secrets/ask
      lists: [zen.example.org, hush6hush6hush6hush6hush6.zen.dq.example.net*2]
  - plugin: stranger
    options: { api_key: 12345678, note: '*** SPAM ***' }
  - plugin: ask
    name: again
    options:
      key: |
        hush7
        hush8
`
const secrets = /hush|12345678/
const of = (text: string) => new MaskedText(text, known)
const shown = of(yaml).shown()
const meant = (text: string) => of(text).meant(of(yaml))

describe('a configuration as people are shown it', () => {
  test('has no secret, and is the same configuration otherwise', () => {
    expect(shown).not.toMatch(secrets)
    expect(parse(shown)).toMatchObject({
      alerts: { to: ['root@example.org'], webhook: 'https://hooks.example/***' },
      telemetry: { traces: 'https://ops:***@otel.example/v1', headers: { 'X-Scope': '***' } },
      chain: [
        {
          options: {
            key: '***',
            environment: ['HOME=***', 'DB=***'],
            password: 'secrets/ask',
            lists: ['zen.example.org', '***.zen.dq.example.net*2'],
          },
        },
        { options: { api_key: '***', note: '*** SPAM ***' } },
        { name: 'again', options: { key: '***' } },
      ],
    })
    expect(shown).toContain('# by hand')
    expect(shown.split('\n')).toHaveLength(yaml.split('\n').length - 2)
  })

  test('becomes what it was when it comes back', () => {
    expect(meant(shown)).toEqual({ text: yaml })
  })

  test('keeps its secrets when lines and entries move around them', () => {
    const entry = '  - plugin: first\n    options: { note: new }\n'
    const moved = shown
      .replace('chain:\n', `chain:\n${entry}`)
      .replace('[HOME=', "['NEW=1', HOME=")
      .replace("'HOME=***', ", '')
    const back = meant(moved)
    expect(back).toHaveProperty('text')
    const text = 'text' in back ? back.text : ''
    expect(text).not.toContain("key: '***'")
    expect(text).toContain(entry)
    for (const secret of yaml.match(/hush\w*/g) ?? []) expect(text).toContain(secret)
  })

  test('takes a new secret in the place of an old one, and says in a diff that it is another', () => {
    const changed = meant(shown.replace("key: '***' # by hand", "key: 'other' # by hand"))
    const text = 'text' in changed ? changed.text : ''
    expect(text).toContain("key: 'other' # by hand")
    expect(of(text).shown(of(yaml))).toContain("key: '*** (another)' # by hand")
    expect(of(yaml).shown(of(yaml))).toBe(shown)
  })

  test('takes no mask where it hid nothing, and says in which line', () => {
    const line = 3
    const text = shown.replace(/^alerts:.*$/m, 'alerts: { webhook: https://other.example/*** }')
    expect(meant(text)).toEqual({ line })
    expect(
      meant(`${shown}  - plugin: ask\n    name: new\n    options: { key: '***' }\n`),
    ).toHaveProperty('line')
    expect(meant(shown.replace('*** SPAM ***', '*** HAM ***'))).toHaveProperty('text')
  })

  test('is shown without secrets, too, when it is no YAML or no postern.yaml', () => {
    const broken = 'alerts: [\npassword: hush\nplain: 1\n'
    const seen = of(broken).shown()
    expect(seen).toBe('alerts: [\npassword: ***\nplain: 1\n')
    expect(new MaskedText(`${seen}more: 2\n`, known).meant(of(broken))).toEqual({
      text: `${broken}more: 2\n`,
    })
    const rules = new MaskedText(':allow,DB_PASSWORD="hush"\n', undefined)
    expect(rules.shown()).toBe(':allow,DB_PASSWORD="***"\n')
    expect(new MaskedText(`192.:deny\n${rules.shown()}`, undefined).meant(rules)).toEqual({
      text: '192.:deny\n:allow,DB_PASSWORD="hush"\n',
    })
  })

  test('hides what an alias brings to a secret place', () => {
    const aliased = of('chain:\n  - plugin: ask\n    options: { lists: [&it hush9], key: *it }\n')
    expect(aliased.shown()).not.toContain('hush9')
  })
})

test('options are masked and restored alike', () => {
  const options = {
    key: 'hush',
    environment: ['A=hush', 'B=hush'],
    password: 'secrets/ask',
    lists: ['a.example'],
    unknown: { token: 'hush', size: 3 },
  }
  const masked = maskedOptions(options, shape)
  expect(JSON.stringify(masked)).not.toContain('hush')
  expect(restoredOptions(masked, options, shape)).toEqual(options)
  const edited = { ...masked, environment: ['C=new', 'B=***'], lists: [] }
  expect(restoredOptions(edited, options, shape)).toEqual({
    ...options,
    environment: ['C=new', 'B=hush'],
    lists: [],
  })
})

test('the plugins of a text are those of its chain', () => {
  expect(pluginsIn(yaml)).toEqual(['ask', 'stranger', 'ask'])
  expect(pluginsIn('chain: 7')).toEqual([])
})
