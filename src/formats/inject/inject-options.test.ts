import { describe, expect, test } from 'vitest'
import { parseInjectOptions, parseSendmailOptions } from './inject-options.ts'

const variables = new Map([['NAME', 'Joe']])
const sendmail = (...args: string[]): ReturnType<typeof parseSendmailOptions> =>
  parseSendmailOptions(args, variables)

describe('the command line of qmail-inject', () => {
  test('says where recipients come from, who sends, and whether it is a dry run', () => {
    expect(parseInjectOptions(['-nH', '-fs@x', 'r'])).toEqual({
      recipientsFrom: 'both',
      recipients: ['r'],
      sender: 's@x',
      dryRun: true,
    })
  })

  test('has a value attached or apart, and ends at --', () => {
    expect(parseInjectOptions(['-f', '', '--', '-n'])).toEqual({
      recipientsFrom: 'either',
      recipients: ['-n'],
      sender: '',
      dryRun: false,
    })
  })

  test('names an option that there is not', () => {
    expect(parseInjectOptions(['-az'])).toEqual({
      illegal: { letter: 'z', needsValue: false },
    })
  })

  test('names one that lacks its value: nobody is not meant', () => {
    expect(parseInjectOptions(['-n', '-f'])).toEqual({
      illegal: { letter: 'f', needsValue: true },
    })
  })
})

describe('the command line of sendmail', () => {
  test('takes recipients from its arguments, and with -t from the header too', () => {
    expect(sendmail('-oi', 'a@b')).toMatchObject({ options: { recipientsFrom: 'arguments' } })
    expect(sendmail('-t', '-i')).toMatchObject({ options: { recipientsFrom: 'both' } })
  })

  test('ignores what other sendmails mean by it', () => {
    const ignored = ['-v', '-i', '-m', '-x', '-eX', '-p', 'X', '-B8BITMIME', '-E', '-J', '-odb']
    expect(sendmail(...ignored, 'a@b')).toMatchObject({
      mode: 'inject',
      options: { recipients: ['a@b'] },
    })
  })

  test('with -f also says who writes', () => {
    const call = sendmail('-f', 'env@x.y', 'a@b')
    if (!('variables' in call)) throw new Error('it is not for injecting')
    expect(Object.fromEntries(call.variables)).toEqual({ QMAILUSER: 'env', QMAILHOST: 'x.y' })
    expect(call.options.sender).toBe('env@x.y')
  })

  test('with -F names who writes', () => {
    expect(sendmail('-FJoe Q', 'a@b')).toMatchObject({
      variables: new Map([
        ['NAME', 'Joe'],
        ['MAILNAME', 'Joe Q'],
      ]),
    })
  })

  test.each([
    ['-bs', 'smtp'],
    ['-bp', 'queue'],
    ['-bi', 'usage'],
    ['-bt', 'usage'],
  ])('with %s asks for something else', (option, mode) => {
    expect(sendmail(option)).toEqual({ mode })
  })

  test.each([
    [['-N', 'never', '-R', 'hdrs', '-V', 'id1']],
    [['-Nsuccess,failure', '-O', 'DeliveryMode=b', '-ODeliveryMode=q']],
    [['-Am', '-C', '/etc/mail/x.cf', '-G', '-U', '-n', '-h', '3', '-L', 'tag', '-X', '/log']],
    [['-aujoe', '-ap', 'secret', '-am', 'LOGIN']],
  ])('has no use for %j, which programs say', (options) => {
    expect(sendmail(...options, '-i', 'a@b')).toMatchObject({
      mode: 'inject',
      options: { recipients: ['a@b'], dryRun: false },
    })
  })

  test('takes a sender in brackets, none at all, and -r for it', () => {
    expect(sendmail('-f', '<>', 'a@b')).toMatchObject({ options: { sender: '' }, variables })
    expect(sendmail('-f<env@x.y>')).toMatchObject({ options: { sender: 'env@x.y' } })
    expect(sendmail('-r', 'env@x.y')).toMatchObject({ options: { sender: 'env@x.y' } })
  })

  test.each(['-z', '-q', '-Q'])('names %s, which there is not', (option) => {
    expect(sendmail(option)).toEqual({
      illegal: { letter: option.slice(1), needsValue: false },
    })
  })
})
