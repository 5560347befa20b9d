import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parseMysqlDump, type IsWanted } from './mysql-dump.ts'
import { utf8Octets } from './octets.ts'

function named(...names: readonly string[]): IsWanted {
  return (table) => names.includes(table)
}

const dump = `-- MySQL dump 10.13  Distrib 5.7.30, for Linux (x86_64)
--
/*!40101 SET NAMES utf8 */;
DROP TABLE IF EXISTS \`vpopmail\`;
CREATE TABLE IF NOT EXISTS \`vpopmail\` (
  \`pw_name\` char(32) CHARACTER SET latin1 NOT NULL DEFAULT 'a,b(',
  pw_domain char(96) NOT NULL COMMENT 'x\\'; y',
  \`pw_uid\` int(11) DEFAULT NULL,
  PRIMARY KEY (\`pw_name\`,\`pw_domain\`),
  KEY \`k\` (\`pw_uid\`)
) ENGINE=MyISAM DEFAULT CHARSET=utf8;
LOCK TABLES \`vpopmail\` WRITE;
/*!40000 ALTER TABLE \`vpopmail\` DISABLE KEYS */;
INSERT INTO \`vpopmail\` VALUES ('alice','example.org',0),('o\\'neil','example.org',NULL),
  ("b""ob",'it''s; -- not a comment',-1);
INSERT INTO \`other\` VALUES (1,2,3);
insert ignore into mail.VPOPMAIL (pw_domain, PW_NAME) values (_latin1 'example.net', 0x6361726F6C);
UNLOCK TABLES;
`

describe('a dump', () => {
  test('gives the rows of the tables that were asked for', () => {
    const { rows, mistakes } = parseMysqlDump(dump, named('vpopmail'))
    expect(mistakes).toEqual([])
    expect(rows.get('vpopmail')?.map((row) => Object.fromEntries(row))).toEqual([
      { pw_name: 'alice', pw_domain: 'example.org', pw_uid: '0' },
      { pw_name: "o'neil", pw_domain: 'example.org', pw_uid: null },
      { pw_name: 'b"ob', pw_domain: "it's; -- not a comment", pw_uid: '-1' },
      { pw_domain: 'example.net', pw_name: 'carol' },
    ])
    expect(rows.has('other')).toBe(false)
  })

  test.each([
    ["INSERT INTO t (a) VALUES ('x", 'a text has no end'],
    ["INSERT INTO t (a) VALUES ('x'", 'a row has no end'],
    ["INSERT INTO t (a) VALUES ('x\\", 'a text has no end'],
    ['CREATE TABLE t (a int', 'ends within a table'],
    ['/* ', 'a comment has no end'],
    ["INSERT INTO t VALUES ('x');", 'the columns of t are not known'],
    ["INSERT INTO t (a) VALUES ('x','y');", '2 values for 1 columns'],
    [`INSERT INTO t (a) VALUES ('${'x'.repeat(70_000)}');`, 'a value is too long'],
  ])('that is not as it should be is told of: %j', (text, mistake) => {
    const read = parseMysqlDump(text, named('t'))
    expect(read.mistakes.join()).toContain(mistake)
    expect(read.rows.get('t') ?? []).toEqual([])
  })

  test('has tables of others in between, whose values may be of any length', () => {
    const other = `INSERT INTO \`wp_posts\` VALUES (1,'${"it\\'s; ".repeat(20_000)}'),(2,'');`
    const text = `${other}\nINSERT INTO t (a) VALUES ('x');`
    expect(parseMysqlDump(text, named('t'))).toMatchObject({
      mistakes: [],
      rows: new Map([['t', [new Map([['a', 'x']])]]]),
    })
  })

  test('may have values in every notation', () => {
    const text = "INSERT INTO t (a,b,c,d) VALUES (x'6162',b'101',N'c',_binary '\\0d');"
    const [row] = parseMysqlDump(text, named('t')).rows.get('t') ?? []
    expect([...(row?.values() ?? [])]).toEqual(['ab', '5', 'c', '\0d'])
  })

  test('inserts nothing by its procedures and triggers, by no view, and has no column for a spatial key', () => {
    const text = `CREATE TABLE t (a int, SPATIAL KEY k (a), FOREIGN KEY (a) REFERENCES u (a));
/*!50001 VIEW v AS SELECT '*/ INSERT INTO t VALUES (1);' AS \`*/\` */;
DELIMITER ;;
CREATE PROCEDURE p() BEGIN
  INSERT INTO t VALUES (2);
END ;;
/*M!100000 TRIGGER x BEFORE INSERT ON t FOR EACH ROW INSERT INTO t VALUES (3) */;;
DELIMITER ;
INSERT INTO t VALUES (4);
delimiter $$
INSERT INTO t VALUES (5)$$
delimiter ;`
    const { rows, mistakes } = parseMysqlDump(text, named('t'))
    expect(mistakes).toEqual([])
    expect(rows.get('t')).toEqual([new Map([['a', '4']])])
  })

  test('may have each value in a charset of its own', () => {
    const text = Buffer.concat([
      Buffer.from("INSERT INTO t (a,b,c) VALUES ('ü',_latin1 '"),
      Buffer.from([0xfc, 0x27, 0x2c, 0x30]),
      Buffer.from('x78fc);'),
    ])
    const read = parseMysqlDump(text.toString('latin1'), named('t'))
    expect([...(read.rows.get('t')?.[0]?.values() ?? [])]).toEqual(['ü', 'ü', 'xü'])
  })

  test('may quote names as ANSI has it, and is wanted by columns too', () => {
    const text = `CREATE TABLE "example_org" ("pw_name" char(32), "a" int, KEY "k" ("a"));
INSERT INTO "example_org" VALUES ('x',"1"); INSERT INTO "mail"."other" ("a") VALUES ('y'); INSERT INTO \`b\` VALUES (1)`
    const read = parseMysqlDump(text, (_, columns) => columns?.[0] === 'pw_name')
    expect(read).toEqual({
      mistakes: [],
      rows: new Map([
        [
          'example_org',
          [
            new Map([
              ['pw_name', 'x'],
              ['a', '1'],
            ]),
          ],
        ],
      ]),
    })
  })

  test('keeps what came before it was cut off', () => {
    const cut = dump.slice(0, dump.indexOf('b""ob'))
    const { rows, mistakes } = parseMysqlDump(cut, named('vpopmail'))
    expect(rows.get('vpopmail')).toHaveLength(2)
    expect(mistakes).toHaveLength(1)
  })

  test('says where its routines begin that it was cut off in', () => {
    const text =
      'INSERT INTO t (a) VALUES (1);\nDELIMITER ;;\nCREATE PROCEDURE p() BEGIN\n SELECT 1;\n'
    const { rows, mistakes } = parseMysqlDump(text, named('t'))
    expect(rows.get('t')).toHaveLength(1)
    expect(mistakes).toEqual([
      'line 2: DELIMITER is not set back: the dump ends within a routine; what follows is not read',
    ])
  })

  test('gives so many rows and no more', () => {
    const text = `INSERT INTO t (a) VALUES ${Array.from({ length: 9 }, () => '(1)').join()};`
    const { rows, mistakes } = parseMysqlDump(text, named('t'), { rows: 5, value: 100 })
    expect(rows.get('t')).toHaveLength(5)
    expect(mistakes.join()).toContain('too many rows')
  })

  const written: ReadonlyMap<string, string> = new Map([
    ['\\', '\\\\'],
    ["'", "\\'"],
    ['"', '\\"'],
    ['\0', '\\0'],
    ['\n', '\\n'],
    ['\r', '\\r'],
    ['\x1A', '\\Z'],
  ])
  const escaped = (text: string): string =>
    `'${Array.from(text, (char) => written.get(char) ?? char).join('')}'`

  test('gives back any values, as mysqldump writes them', () => {
    const value = fc.oneof(fc.string({ unit: 'binary' }), fc.constant(null))
    const rows = fc.array(fc.tuple(value, value), { minLength: 1, maxLength: 5 })
    fc.assert(
      fc.property(rows, (values) => {
        const text = values
          .map((row) => `(${row.map((each) => (each === null ? 'NULL' : escaped(each))).join()})`)
          .join()
        const { rows: read, mistakes } = parseMysqlDump(
          utf8Octets(`INSERT INTO t (a,b) VALUES ${text};`),
          named('t'),
        )
        expect(mistakes).toEqual([])
        expect(read.get('t')?.map((row) => [...row.values()])).toEqual(values)
      }),
    )
  })

  test('may be anything at all', () => {
    const piece = fc.constantFrom(
      'INSERT INTO t ',
      'CREATE TABLE t ',
      '(',
      ')',
      ',',
      ';',
      "'",
      '"',
      '`',
      '\\',
      'VALUES',
      'a',
      '--',
      '/*',
      '*/',
      '\n',
      ' ',
      '.',
      'NULL',
    )
    const text = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.array(piece, { maxLength: 60 }).map((pieces) => pieces.join('')),
    )
    fc.assert(
      fc.property(text, (any) => {
        expect(parseMysqlDump(any, named('t', 'a')).mistakes.length).toBeLessThanOrEqual(any.length)
      }),
      { numRuns: 1000 },
    )
  })
})
