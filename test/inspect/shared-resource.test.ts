import { expect, it } from 'vitest';
import { judge } from './state-verdict.js';

const imports = "import pg from 'pg';\nimport { Client } from '@notionhq/client';\n";

/** What is found of the last variable of a program: `name kind decision`. */
const verdictOn = (name: string, before: string, tool: string): string | undefined =>
  judge({ before: imports + before, tool }).find((row) => row.startsWith(`${name} `));

const GET = 'function get() { client ??= new Client({ auth: token }); return client; }';
const fromState: [string, string, string][] = [
  [
    'a variable that a tool sets',
    `let token = process.env.TOKEN; let client: any; ${GET}`,
    'if (args.token) { token = args.token; client = null; } else await get().me();',
  ],
  [
    'a field of an object',
    'const config = { token: "" }; let client: any; function get() { return (client ??= new Client({ auth: config.token })); }',
    'if (args.token) config.token = args.token; else await get().me();',
  ],
  [
    'what a function reads',
    'let token = ""; const tokenOf = () => token; let client: any; function get() { return (client ??= new Client({ auth: tokenOf() })); }',
    'if (args.token) token = args.token; else await get().me();',
  ],
  [
    'a local variable that is made from it',
    'let token = ""; let client: any; function get() { if (client) return client; const options = { auth: token }; const made = new Client(options); client = made; return client; }',
    'if (args.token) token = args.token; else await get().me();',
  ],
  [
    'an instance',
    'class Login { token = ""; } const login = new Login(); let client: any; function get() { return (client ??= new Client({ auth: login.token })); }',
    'if (args.token) login.token = args.token; else await get().me();',
  ],
  [
    'the object around it',
    'let client: any; class Login { token = ""; auth() { return this.token; } get() { return (client ??= new Client({ auth: this.auth() })); } } const login = new Login();',
    'if (args.token) login.token = args.token; else await login.get().me();',
  ],
  [
    'a static field',
    'class Login { static token = ""; } let client: any; function get() { return (client ??= new Client({ auth: Login.token })); }',
    'if (args.token) Login.token = args.token; else await get().me();',
  ],
  [
    'an environment that a tool changes',
    'let client: any; function get() { return (client ??= new Client({ auth: process.env.TOKEN })); }',
    'if (args.token) { process.env.TOKEN = args.token; client = null; } else await get().me();',
  ],
  [
    'a choice that a client has made',
    'let mode = "live"; let client: any; function get() { if (!client) { if (mode === "live") client = new Client({ url: "a" }); else client = new Client({ url: "b" }); } return client; }',
    'if (args.mode) mode = args.mode; else await get().me();',
  ],
];
it.each(fromState)('a package’s client that is made from %s is each client’s own', (_, before, tool) => {
  expect(verdictOn('client', before, tool)).toBe('client reassigned isolate');
});

const fromNothing: [string, string, string][] = [
  [
    'the environment',
    'const config = { connectionString: process.env.URL }; let pool: any; function get() { return (pool ??= new pg.Pool(config)); }',
    'await get().query("select 1");',
  ],
  [
    'another that serves everybody',
    'let base: any; const baseOf = () => (base ??= new pg.Pool()); let pool: any; function get() { return (pool ??= new Client({ pool: baseOf() })); }',
    'await get().query("select 1");',
  ],
  [
    'nothing of a client, whatever is counted beside',
    'let made = 0; let pool: any; function get() { if (!pool) { made++; pool = new pg.Pool(); } return pool; }',
    'await get().query("select 1");',
  ],
  [
    'nothing of a client, and made anew when one asks for it',
    'let pool: any; function get() { return (pool ??= new pg.Pool()); }',
    'if (args.again) { await get().end(); pool = null; }',
  ],
];
it.each(fromNothing)('a pool that is made from %s serves everybody', (_, before, tool) => {
  expect(verdictOn('pool', before, tool)).toBe('pool resource share');
});

it.each([
  [
    'logs in',
    "import { google } from 'googleapis';",
    'new google.auth.OAuth2()',
    'get().setCredentials(args)',
  ],
  ['turns to another database', "import Redis from 'ioredis';", 'new Redis()', 'await get().select(args.db)'],
])('a package’s client that a tool %s is each client’s own', (_, from, made, tool) => {
  const before = `${from} let client: any; function get() { return (client ??= ${made}); }`;
  expect(verdictOn('client', before, tool)).toBe('client reassigned isolate');
});

const changed: [string, string, string][] = [
  [
    'a user',
    "import jsforce from 'jsforce'; const it = new jsforce.Connection({});",
    'await it.login(args.user)',
  ],
  [
    'a host',
    "import { Client as Shell } from 'ssh2'; const it = new Shell();",
    'it.connect({ host: args.host })',
  ],
  ['a folder', "import simpleGit from 'simple-git'; const it = simpleGit();", 'await it.cwd(args.path)'],
  [
    'a mailbox',
    "import { ImapFlow } from 'imapflow'; const it = new ImapFlow({});",
    'await it.mailboxOpen(args.box)',
  ],
  [
    'a file',
    "import Excel from 'exceljs'; const it = new Excel.Workbook();",
    'await it.xlsx.readFile(args.path)',
  ],
  ['a database', "import Redis from 'ioredis'; const it = new Redis();", 'await it.select(args.db)'],
];
it.each(changed)(
  'what a package has made is each client’s own when a tool gives it %s',
  (_, before, tool) => {
    expect(verdictOn('it', before, tool)).toBe('it mutated isolate');
  },
);

it('what a package has made serves everybody when it is connected to what it knows', () => {
  const before = "import { Search } from 'some-search'; const it = new Search({ url: process.env.URL });";
  expect(verdictOn('it', before, 'await it.connect(); await it.query(args.text)')).toBe(undefined);
});

const MAIL = "import mail from '@sendgrid/mail';";
it.each([
  ['of a client', 'mail.setApiKey', MAIL, 'mail.setApiKey(args.key); await mail.send(args);'],
  [
    'that a client has set',
    'mail.setApiKey',
    `${MAIL} let key = '';`,
    'if (args.key) key = args.key; else mail.setApiKey(key);',
  ],
  [
    'handed on from a client',
    'google.options',
    "import { google } from 'googleapis'; function use(auth: unknown) { google.options({ auth }); }",
    'use(args.auth);',
  ],
  [
    'which it connects to',
    'mongoose.connect',
    "import mongoose from 'mongoose';",
    'await mongoose.connect(args.url);',
  ],
  [
    'of a region',
    'AWS.config.update',
    "import AWS from 'aws-sdk';",
    'AWS.config.update({ region: args.region });',
  ],
  [
    'of a client, by a function',
    'setDefaultOptions',
    "import { setDefaultOptions } from 'date-fns';",
    'setDefaultOptions(args);',
  ],
])('what a package is told for all, %s, cannot be separated', (_, name, before, tool) => {
  expect(judge({ before, tool })).toContain('state-not-isolated');
  expect(verdictOn(name, before, tool)).toBe(`${name} reassigned isolate`);
});

it.each([
  ['of the environment', MAIL, 'mail.setApiKey(process.env.KEY); await mail.send(args);'],
  [
    'of the environment, by a class',
    `${MAIL} class Mailer { constructor(key: string) { mail.setApiKey(key); } send(it: unknown) { return mail.send(it); } }`,
    'await new Mailer(process.env.KEY ?? "").send(args);',
  ],
  [
    'of the environment, on first use',
    "import mongoose from 'mongoose';",
    'await mongoose.connect(process.env.MONGO_URL!);',
  ],
  [
    'of the command line',
    `import { cli, command } from 'cleye'; import { setGlobalDispatcher, ProxyAgent } from 'undici';
    const fetchOne = command({ name: 'fetch' }, (argv) => print(argv));
    const argv = cli({ commands: [fetchOne] });`,
    'setGlobalDispatcher(new ProxyAgent(argv.flags.proxy));',
  ],
  ['that is the same for all', "import dayjs from 'dayjs';", "dayjs.locale('de');"],
])('what a package is told for all, %s, is no client’s', (_, before, tool) => {
  expect(judge({ before, tool })).toEqual([]);
});
