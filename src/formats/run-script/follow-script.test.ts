import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { unknownMark } from './expansion.ts'
import { followScript, type FollowedScript } from './follow-script.ts'

function follow(text: string, files: Readonly<Record<string, string>> = {}): FollowedScript {
  const known = new Map(Object.entries(files))
  return followScript(text, {
    readText: (path) => known.get(path),
    exists: (path) => known.has(path),
  })
}

/** The words of the only program that it starts. */
function started(text: string, files: Readonly<Record<string, string>> = {}): readonly string[] {
  const { started: programs, unknown } = follow(text, files)
  expect(unknown).toEqual([])
  expect(programs).toHaveLength(1)
  return programs[0]?.words ?? []
}

describe('what a script starts', () => {
  test('is what stands behind exec, with its lines joined', () => {
    const text =
      '#!/bin/sh\nexec /usr/bin/softlimit -m 2000 \\\n  tcpserver 0 smtp qmail-smtpd 2>&1\n'
    const words = ['/usr/bin/softlimit', '-m', '2000', 'tcpserver', '0', 'smtp', 'qmail-smtpd']
    expect(started(text)).toEqual(words)
  })

  test('holds what files say, by cat and head, in backquotes and in $()', () => {
    const files = { '/c/max': '20\n', '/c/me': 'mx.example.org\nsecond line\n' }
    const text = 'MAX=`cat /c/max`\nME="$(head -1 /c/me)"\nexec tcpserver -c "$MAX" -l "$ME" 0 25 x'
    expect(started(text, files)).toEqual([
      'tcpserver',
      '-c',
      '20',
      '-l',
      'mx.example.org',
      '0',
      '25',
      'x',
    ])
  })

  test('falls into words where a variable is not quoted, and stays one where it is', () => {
    expect(started(`A='x  y'\nexec tcpserver $A "$A" '$A' z$A`)).toEqual([
      'tcpserver',
      'x',
      'y',
      'x  y',
      '$A',
      'zx',
      'y',
    ])
  })

  test('depends on tests, loops and what eval makes', () => {
    const text = `
      LISTS="a.example b.example"
      for name in $LISTS ; do CMD="$CMD -r $name" ; done
      if [ -z "$NONE" -a ! -f /missing ] && [ 3 -gt 2 ]
      then PROG=rblsmtpd
      elif true ; then PROG=never
      else PROG=never ; fi
      eval "export $(echo MFCHECK)=3"
      exec \${PROG:-none}$CMD`
    expect(started(text)).toEqual(['rblsmtpd', '-r', 'a.example', '-r', 'b.example'])
    expect(follow(text).started[0]?.environment).toEqual(new Map([['MFCHECK', '3']]))
  })

  test.each([
    [': ${A:=1} ${A:=2}; exec t "$A"', ['t', '1']],
    ['A=; exec t "${A:=1}" "${A=2}"', ['t', '1', '1']],
    ['A=; exec t "${A=1}" ${B=2} $B', ['t', '', '2', '2']],
    ['A=1; exec t ${A:+x} ${A+y} ${B:+x} ${B+y}', ['t', 'x', 'y']],
    ['A=; exec t "${A:+x}" ${A+y}', ['t', '', 'y']],
    ['A=1; exec t ${A:?is not set} ${A?}', ['t', '1', '1']],
    ['A=1; exec t ${A:+"c d"} ${A:+c d} ${B:-"e f"g} ${A:+""}', ['t', 'c d', 'c', 'd', 'e fg', '']],
    ['A="c  d"; exec t ${A:+"$A"} ${A:+$A} "${A:+$A}"', ['t', 'c  d', 'c', 'd', 'c  d']],
  ])('follows words in place of variables: %s', (text, words) => {
    expect(started(text)).toEqual(words)
  })

  test('ends where a variable must be set and is not', () => {
    const { started: programs, unknown } = follow('A=\nexec t ${A:?set it}')
    expect(programs).toEqual([])
    expect(unknown).toEqual([
      { line: 2, problem: expect.stringMatching(/ends where A is not set/) },
    ])
  })

  test.each([
    ['case $0x in *) exec t 1 ;; esac', ['t', '1']],
    ['A=submission; case "$A" in smtp) exec t 1 ;; sub*|smtps) exec t 2 ;; esac', ['t', '2']],
    [
      'A=x.y; case $A in (*.z) exec t 1;; [a-w].*) exec t 2;; [!a-w]?y) exec t 3;; esac',
      ['t', '3'],
    ],
    ["A='*'; case $A in \"?\"b) exec t 1;; '*') exec t 2;; esac", ['t', '2']],
    ['case b in a) A=1 ;; esac >/dev/null 2>&1\nexec t ${A:-none}', ['t', 'none']],
    ['case a in\na)\n  A=1\nesac\nexec t $A', ['t', '1']],
  ])('depends on cases: %s', (text, words) => {
    const { started: programs } = follow(text)
    expect(programs.map((each) => each.words)).toEqual([words])
  })

  test('is what a script of init starts when it is told start, and that is said', () => {
    const text = 'case "$1" in\nstart) tcpserver 0 25 x & ;;\nstop) tcpserver no ;;\nesac'
    const { started: programs, unknown } = follow(text)
    expect(programs.map(({ words }) => words[1])).toEqual(['0'])
    expect(unknown).toEqual([{ line: 1, problem: '$1 is not known: read as if it were start' }])
  })

  test.each([
    ['serve() { exec t "$@" $# $1; }\nserve a "b c"', ['t', 'a', 'b c', '2', 'a']],
    ['function serve\n{\n  shift\n  exec t "$@"\n}\nserve a "b c" d', ['t', 'b c', 'd']],
    ['f() { local A=1; return 1; A=2; }\nf || exec t $A "$A"', ['t', '1', '1']],
    ['f() { f2; }; f2() (A=2; exit 3); A=1; f; exec t $A', ['t', '1']],
    ['{ A=1; ( A=2; ) ; } 2>&1; exec t $A', ['t', '1']],
    ['die() { echo "$1" >&2; exit 1; }; [ -f /x ] && die "no"; exec t', ['t']],
  ])('depends on functions and groups: %s', (text, words) => {
    const { started: programs } = follow(text)
    expect(programs.map((each) => each.words)).toEqual([words])
  })

  test('has the variables that are exported, and those in front of it', () => {
    const text = 'A=1\nB=2\nexport A\nC=3 tcpserver 0 25 x\nunset A\nexec tcpserver 0 26 x'
    expect(follow(text).started.map(({ environment }) => [...environment])).toEqual([
      [
        ['A', '1'],
        ['C', '3'],
      ],
      [],
    ])
  })

  test('is each program of a pipe', () => {
    const text = 'tcpserver 0 25 qmail-smtpd 2>&1 | splogger smtpd 3 &\n'
    expect(follow(text).started.map(({ words }) => words[0])).toEqual(['tcpserver', 'splogger'])
  })

  test.each([
    ['waits', 'until [ -S /var/run/there ]\ndo sleep 1; done\n', 1],
    ['starts again and again', 'while true; do tcpserver 0 25 x; sleep 1; done\n', 1],
    ['reads', 'while read a; do A="$a"; done < /etc/x\n', 1],
    ['a trap', 'trap "rm -f /x" 1 2 15\n', 1],
    ['a document', 'cat <<-END >/x # c\n\texec no\n\tEND\n', 1],
  ])('stands behind what is told, and not followed: %s', (_, text, line) => {
    const { started: programs, unknown } = follow(`${text}exec tcpserver 0 587 x`)
    expect(programs.at(-1)?.words).toEqual(['tcpserver', '0', '587', 'x'])
    expect(programs.length).toBeLessThanOrEqual(2)
    expect(unknown[0]?.line).toBe(line)
  })

  test('goes round as a shell does, as far as values are known', () => {
    const counted = 'A=\nwhile [ "$A" != xxx ]; do A="x$A"; B="$B$A,"; done\nexec tcpserver "$B"'
    expect(started(counted)).toEqual(['tcpserver', 'x,xx,xxx,'])
    expect(started('for a in 1 2 3; do break; done\nbreak\nexec tcpserver $a')).toEqual([
      'tcpserver',
      '1',
    ])
    expect(started("echo <<'A' <<B\nA\nexec no\nB\nexec tcpserver 0")).toEqual(['tcpserver', '0'])
  })

  test('is what stands before something that is not understood, as a shell reads it', () => {
    const { started: programs, unknown } = follow('exec one 2>&1\n[[ x ]] && exec two\n')
    expect([programs.map(({ words }) => words), unknown]).toEqual([[['one']], []])
    expect(follow('tcpserver 0 25 x &\nA=$((1))\nexec two')).toMatchObject({
      started: [{ words: ['tcpserver', '0', '25', 'x'] }],
      unknown: [{ line: 2 }],
    })
  })

  test('is nothing where the script exits before', () => {
    expect(follow('if [ ! -f /x ]\nthen exit 1\nfi\nexec tcpserver').started).toEqual([])
  })
})

describe('what is not understood is told, with its line', () => {
  test.each([
    ['\ncase "$1" in start) true ;; esac', 2],
    ['\ncase `date` in Mon*) exec one ;; *) exec two ;; esac', 2],
    ['case a in a) exec one', 1],
    ['case a in [z-) exec one ;; esac', 1],
    ['f() { exec one', 1],
    ['[[ a < b ]] && exec one', 1],
    ['exec tcpserver 0 25 x (', 1],
    ['while [ "$A" != xx ] ; do A=$(date) ; done ; exec one', 1],
    ['exec tcpserver "unclosed', 1],
    ['A=$((1 + 2))', 1],
    ['cat <<<END', 1],
    ['A=${B%%.cdb}', 1],
    ['\n\nif true ; then', 3],
  ])('%j', (text, line) => {
    const { started: programs, unknown } = follow(text)
    expect(programs).toEqual([])
    expect(new Set(unknown.map((each) => each.line))).toEqual(new Set([line]))
  })

  test('a value that only a program could tell is no value', () => {
    const { started: programs, unknown } = follow('IP=`ifconfig eth0`\nexec tcpserver $IP 25 x')
    expect(programs[0]?.words).toEqual(['tcpserver', unknownMark, '25', 'x'])
    expect(unknown).toEqual([{ line: 1, problem: 'what `ifconfig eth0` prints is not known' }])
  })

  test('and a test of such a value ends the reading', () => {
    const { started: programs, unknown } = follow('A=`date`\n[ "$A" = x ] && exec one\nexec two')
    expect(programs).toEqual([])
    expect(unknown.at(-1)?.problem).toContain('not followed any further')
  })

  test('a program that nobody knows is not run', () => {
    expect(follow('rm -rf /\nwget http://x.example/\nexec tcpserver 0 25 x').unknown).toEqual([
      { line: 2, problem: "the program 'wget http://x.example/' is not run" },
    ])
  })
})

describe('no script', () => {
  const fragment = fc.constantFrom(
    'exec ',
    'if ',
    'then ',
    'fi\n',
    'for x in ',
    'while ',
    'until ',
    'break ',
    '<<A\n',
    'do ',
    'done\n',
    'eval ',
    '"',
    "'",
    '`',
    '$(',
    ')',
    '${A',
    ':-',
    ':=',
    '+',
    '?',
    '}',
    '$A',
    '\n',
    ';',
    '|',
    '&&',
    'case ',
    ' in ',
    ';; ',
    'esac\n',
    'f() ',
    '{ ',
    '(',
    'return ',
    '[ ',
    ' ]',
    'A=',
    '\\',
    ' x ',
    '<',
    '>',
    '#',
    '!',
  )

  test('makes it throw, or go on for ever', () => {
    fc.assert(
      fc.property(fc.array(fc.oneof(fragment, fc.string()), { maxLength: 60 }), (parts) => {
        const { started: programs, unknown } = follow(parts.join(''))
        expect(programs.length + unknown.length).toBeGreaterThanOrEqual(0)
      }),
      { numRuns: 500 },
    )
  })

  test('that doubles itself gets far', () => {
    const text = `A=x\n${'A="$A$A"\n'.repeat(40)}exec tcpserver $A`
    expect(follow(text).unknown[0]?.problem).toContain('grows too long')
    const loops = `for a in ${'x '.repeat(300)}\ndo for b in ${'y '.repeat(300)}\ndo :\ndone\ndone`
    expect(follow(loops).unknown[0]?.problem).toContain('does not come to an end')
    const deep = `${'$('.repeat(40)}x${')'.repeat(40)}`
    expect(follow(deep).unknown[0]?.problem).toContain('too deep')
    expect(follow('A=\'eval "$A"\'\neval "$A"').unknown[0]?.problem).toContain('too deep')
  })

  test.each([
    ['not', `${'! '.repeat(100_000)}true`, 'not understood'],
    ['and', `${'true && '.repeat(30_000)}true`, 'nested too deeply'],
    ['one word', `A=${'x'.repeat(60_000)}\nexec tcpserver ${'$A'.repeat(20_000)}`, 'too long'],
    ['one quoted word', `A=${'x'.repeat(60_000)}\nB="${'$A'.repeat(20_000)}"`, 'too long'],
    ['words', `A="${'x '.repeat(30_000)}"\nexec tcpserver ${'$A '.repeat(3_000)}`, 'too long'],
    ['braces', `exec t ${'${A:-'.repeat(20_000)}`, 'too deep'],
    ['functions', 'f() { f; }\nf', 'nested too deeply'],
    ['arguments', 'f() { f "$@" "$@"; }\nf ""', 'too long'],
    ['groups', '{ '.repeat(10_000), 'nested too deeply'],
    ['patterns', `case ${'a'.repeat(4_000)} in ${'*a'.repeat(90)}b) ;; esac\nmystery`, 'mystery'],
    ['services', 'tcpserver 0 25 x &\n'.repeat(10_000), 'starts too much'],
  ])('of very many pieces takes the reader’s stack or memory: %s', (_, text, problem) => {
    expect(follow(text).unknown[0]?.problem).toContain(problem)
  })

  test('that ends within eval, within a pipe, keeps those behind it from being followed', () => {
    const text = `${'eval exec splogger smtpd | true\n'.repeat(20)}exec tcpserver 0 25 x`
    expect(follow(text).started.at(-1)?.words[0]).toBe('tcpserver')
  })

  test('quotes any text wrongly', () => {
    fc.assert(
      fc.property(
        fc.string().filter((text) => !/['\0\u{e000}]/u.test(text)),
        (text) => {
          expect(started(`exec tcpserver '${text}'`)).toEqual(['tcpserver', text])
        },
      ),
    )
  })
})
