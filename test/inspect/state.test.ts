import { describe, expect, it } from 'vitest';
import { judge, type Source } from './state-verdict.js';

type Row = [what: string, before: string, tool: string, expected: string[], more?: Partial<Source>];

function judged(title: string, rows: readonly Row[]): void {
  describe(title, () => {
    for (const [what, before, tool, expected, more] of rows)
      it(what, () => {
        expect(judge({ before, tool, ...more }).join(', ')).toBe(expected.join(', '));
      });
  });
}

const STORE = 'class Store { items: string[] = []; add(one: string) { this.items.push(one); } }';

const CONFIG = (body: string, parameters = '') => `
  const DEFAULTS = { level: 'info' };
  let config: { level: string; at?: unknown } | undefined;
  function configOf(${parameters}) { ${body} }`;

judged('a variable that a function remembers its result in', [
  [
    'made of the environment',
    CONFIG(
      'if (config) return config; config = { level: process.env.LEVEL ?? DEFAULTS.level }; return config;',
    ),
    'use(configOf());',
    ['config memo share'],
  ],
  [
    'filled in a branch, after a test',
    CONFIG(`if (config === undefined) {
      const level = process.argv.includes('--debug') ? 'debug' : DEFAULTS.level;
      console.error('level', level);
      config = { level };
    }
    return config;`),
    'use(configOf());',
    ['config memo share'],
  ],
  [
    'made again on request',
    CONFIG(
      "if (!force && config) return config; config = { level: process.env.LEVEL ?? '' }; return config;",
      'force = false',
    ),
    'use(configOf(args.force));',
    ['config memo share'],
  ],
  [
    'made of what it is called with',
    CONFIG('if (config) return config; config = { level }; return config;', 'level: string'),
    'use(configOf(args.level));',
    ['config reassigned isolate'],
  ],
  [
    'chosen by what it is called with',
    CONFIG(
      "if (config) return config; if (quiet) config = { level: 'error' }; else config = DEFAULTS; return config;",
      'quiet: boolean',
    ),
    'use(configOf(args.quiet));',
    ['config reassigned isolate'],
  ],
  [
    'made of what a client sets',
    `let level = 'info'; ${CONFIG('config ??= { level }; return config;')}`,
    'level = args.level; use(configOf());',
    ['level reassigned isolate', 'config reassigned isolate'],
  ],
  [
    'made of what a function around it was called with',
    'let config: { level: string } | undefined;',
    'const configOf = () => { if (!config) config = { level: args.level }; return config; }; use(configOf());',
    ['config reassigned isolate'],
  ],
  [
    'made of what a function around it has worked out',
    'let config: { level: string } | undefined;',
    `const level = args.level;
    const configOf = () => { if (!config) config = { level }; return config; };
    use(configOf());`,
    ['config reassigned isolate'],
  ],
  [
    'made of the time',
    CONFIG('config ??= { level: DEFAULTS.level, at: Date.now() }; return config;'),
    'use(configOf());',
    ['config reassigned isolate'],
  ],
  [
    'made of what another function reads from a file',
    `import { readFileSync } from 'node:fs';
    const read = () => JSON.parse(readFileSync('config.json', 'utf8'));
    ${CONFIG('config ??= read(); return config;')}`,
    'use(configOf());',
    ['config reassigned isolate'],
  ],
  [
    'that a client changes',
    CONFIG('config ??= { level: DEFAULTS.level }; return config;'),
    'configOf().level = args.level;',
    ['config reassigned isolate'],
  ],
  [
    'that tells whether it was called before',
    CONFIG("const was = config; config = { level: 'info' }; return was;"),
    'use(configOf());',
    ['config reassigned isolate'],
  ],
  [
    'that others look at, too',
    `${CONFIG('config ??= { level: DEFAULTS.level }; return config;')}
    const isReady = () => config !== undefined;`,
    'if (isReady()) use(configOf());',
    ['config reassigned isolate'],
  ],
]);

const KEPT_BY_API = `
  const auth = { token: '' };
  function setToken(token: string) { auth.token = token; }
  const api = { setToken, ask: () => auth.token };
  api.setToken(process.env.TOKEN ?? '');`;

judged('a function that stands in an object', [
  ['and is called at the start', KEPT_BY_API, 'use(api.ask());', []],
  [
    'and is called for a client',
    KEPT_BY_API,
    'api.setToken(args.token); use(api.ask());',
    ['auth mutated isolate'],
  ],
  [
    'and is given to a package, which may call it for a client',
    `import { serve } from 'some-package'; ${KEPT_BY_API} serve(api);`,
    'use(api.ask());',
    ['auth mutated isolate'],
  ],
]);

judged('a variable', [
  ['that counts', 'let count = 0;', 'count++;', ['count reassigned isolate']],
  ['that is added to', 'let sum = 0;', 'sum += args.n;', ['sum reassigned isolate']],
  [
    'that nothing reads, but what gives back what it was just assigned',
    `let loaded: object | null = null;
    function load(one: object) { loaded = { one }; return loaded; }
    export function last() { if (!loaded) throw new Error('not loaded'); return loaded; }`,
    'load(args.one);',
    [],
  ],
  [
    'that is given back after a while',
    `let loaded: object | null = null;
    async function load(one: object) { loaded = { one }; await args.ready; return loaded; }`,
    'await load(args.one);',
    ['loaded reassigned isolate'],
  ],
  [
    'that is read by a function which a tool calls',
    `let loaded: object | null = null;
    function load(one: object) { loaded = { one }; return loaded; }
    export function last() { return loaded; }`,
    'if (args.again) last(); else load(args.one);',
    ['loaded reassigned isolate'],
  ],
  [
    'that is set once, when it is needed',
    'let config: object | undefined;',
    'config ??= { a: 1 };',
    ['config memo share'],
  ],
  [
    'that a destructuring assignment writes',
    "let last = '';",
    '({ last } = args);',
    ['last reassigned isolate'],
  ],
  [
    'that a pattern with a rest writes',
    'let rest: string[] = [];',
    '[, ...rest] = args.list;',
    ['rest reassigned isolate'],
  ],
  [
    'that a loop writes',
    "let current = '';",
    'for (current of args.list) await work();',
    ['current reassigned isolate'],
  ],
  [
    'that a function writes',
    'let count = 0; function next() { return ++count; }',
    'next();',
    ['count reassigned isolate'],
  ],
  [
    'whose elements are made into something else by reduce',
    'const texts = [{ text: "a" }];',
    'texts.reduce((all, one) => { all[one.text] = one; return all; }, {} as Record<string, object>);',
    [],
  ],
  [
    'whose elements reduce goes through from the first',
    'const texts = [{ text: "a" }];',
    'texts.reduce((all, one) => { all.text += one.text; return all; });',
    ['texts mutated isolate'],
  ],
  [
    'that reduce starts with',
    'const all: Record<string, string> = {};',
    'args.list.reduce((made, one) => { made[one] = one; return made; }, all);',
    ['all mutated isolate'],
  ],
  [
    'that is written by a callback',
    'let count = 0;',
    'args.list.forEach(() => { count--; });',
    ['count reassigned isolate'],
  ],
  [
    'of a namespace',
    'namespace Counter { export let count = 0; }',
    'Counter.count++;',
    ['count reassigned isolate', 'state-not-isolated'],
  ],
  [
    'of a block',
    'const tools: Record<string, () => number> = {};\n{ let count = 0; tools.next = () => ++count; }',
    'tools.next();',
    ['count reassigned isolate', 'state-not-isolated'],
  ],
  [
    'of a block that fills what keeps it',
    "import { tools } from './tools.js';",
    'tools.next();',
    ['tools mutated isolate'],
    {
      files: {
        'src/tools.ts': `export const tools: Record<string, () => number> = {};
          const counter = (at: { n: number }) => () => ++at.n;
          { const start = { n: 0 }; tools.next = counter(start); }`,
      },
    },
  ],
  [
    'of a loop that nothing names later',
    "import { modules } from './modules.js';",
    'modules[0].seen++;',
    ['modules mutated isolate', 'names mutated isolate'],
    {
      files: {
        'src/modules.ts': `export const modules = [{ seen: 0 }];
          const names: number[] = [];
          for (const one of modules) { const first = one; names.push(first.seen); }`,
      },
    },
  ],
  [
    'of another program',
    "import { Counter } from './counter.js';",
    'print(new Counter().next());',
    [],
    {
      files: {
        'src/counter.ts': `export class Counter { count = 0; next() { return ++this.count; } }
          if (import.meta.url === \`file://\${process.argv[1]}\`) {
            const counter = new Counter();
            process.stdin.on('data', () => print(counter.next()));
          }`,
      },
    },
  ],
  [
    'of what a module does when it is the program, which it is in a bundle',
    "import { Counter } from './counter.js';",
    'print(new Counter().next());',
    ['counter instance isolate', 'state-not-isolated'],
    {
      files: {
        'package.json': JSON.stringify({
          name: 'judged',
          type: 'module',
          bin: 'dist/index.js',
          scripts: { build: 'esbuild src/index.ts --bundle --platform=node --outfile=dist/index.js' },
          dependencies: { '@modelcontextprotocol/sdk': '^1.29.0', zod: '^4.1.0' },
        }),
        'src/counter.ts': `export class Counter { count = 0; next() { return ++this.count; } }
          if (import.meta.url === \`file://\${process.argv[1]}\`) {
            const counter = new Counter();
            process.stdin.on('data', () => print(counter.next()));
          }`,
      },
    },
  ],
  [
    'of functions that call each other',
    `let calls = 0;
let depth = 0;
function inner(n: number) { depth++; if (n > 0) outer(n - 1); }
function outer(n: number) { calls++; inner(n); }
const counters = { outer };`,
    'counters.outer(args.n);',
    ['calls reassigned isolate', 'depth reassigned isolate'],
  ],
  [
    'that is set when what the program waits for is there',
    "let platform = '';\nimport('node:os').then((os) => { platform = os.platform(); });",
    'print(platform);',
    [],
  ],
  [
    'that is only set while the program starts',
    "let mode = 'a';\nif (process.argv.includes('--b')) mode = 'b';",
    'print(mode);',
    [],
  ],
  [
    'that every program sets for itself',
    "import { randomUUID } from 'node:crypto';\nconst id = randomUUID();",
    'print(id);',
    ['id own-of-process isolate'],
  ],
  [
    'that says what an identifier looks like',
    "import { z } from 'zod';\nconst id = z.string().uuid();",
    'print(id);',
    [],
  ],
]);

judged('a collection', [
  [
    'Map whose keys are objects, and what a client changes is a value of it',
    `const shelf = { label: 'a' };
    const boxes = () => { const found = new Map<object, string[]>(); found.set(shelf, []); return found; };`,
    "const box = boxes().get(args.shelf) ?? []; box.push('b');",
    [],
  ],
  [
    'that is the key of a Map',
    `const shelf = { label: 'a' };
    const boxes = () => { const found = new Map<{ label: string }, string[]>(); found.set(shelf, []); return found; };`,
    'for (const one of boxes().keys()) one.label = args.label;',
    ['shelf mutated isolate'],
  ],
  [
    'Map',
    'const notes = new Map<string, string>();',
    "notes.set('a', args.text);",
    ['notes mutated isolate'],
  ],
  ['Set', 'const seen = new Set<string>();', 'seen.add(args.text);', ['seen mutated isolate']],
  [
    'WeakMap',
    'const known = new WeakMap<object, string>();',
    'known.set(args, args.text);',
    ['known mutated isolate'],
  ],
  ...['push(1)', 'splice(0, 1)', 'sort()', 'fill(0)', 'reverse()', 'pop()'].map(
    (method): Row => [
      `array with ${method}`,
      'const list = [3, 1, 2];',
      `list.${method};`,
      ['list mutated isolate'],
    ],
  ),
  ['array with an element set', 'const list = [1];', 'list[0] = args.n;', ['list mutated isolate']],
  ['array cut short', 'const list = [1];', 'list.length = 0;', ['list mutated isolate']],
  ['object', "const user = { name: '' };", 'user.name = args.name;', ['user mutated isolate']],
  [
    'object within objects',
    'const stats = { calls: { total: 0 } };',
    'stats.calls.total++;',
    ['stats mutated isolate'],
  ],
  [
    'object under a computed name',
    'const scores: Record<string, number> = {};',
    'scores[args.name] = 1;',
    ['scores mutated isolate'],
  ],
  [
    'object that loses a property',
    'const open: Record<string, number> = { a: 1 };',
    'delete open.a;',
    ['open mutated isolate'],
  ],
  [
    'object that a destructuring assignment writes',
    'const last = { x: 0 };',
    '({ x: last.x } = args);',
    ['last mutated isolate'],
  ],
  [
    'object that Object.assign fills',
    'const settings = {};',
    'Object.assign(settings, args);',
    ['settings mutated isolate'],
  ],
  [
    'object that Reflect.set fills',
    'const settings = {};',
    "Reflect.set(settings, 'a', args);",
    ['settings mutated isolate'],
  ],
  [
    'object behind a proxy',
    'const state = new Proxy({ n: 0 }, {});',
    'state.n++;',
    ['state mutated isolate'],
  ],
  [
    'object with a setter',
    'const config = { hidden: 0, get value() { return this.hidden; }, set value(n) { this.hidden = n; } };',
    'config.value = 3;',
    ['config mutated isolate'],
  ],
  [
    'Map in a frozen object',
    'const stores = Object.freeze({ notes: new Map<string, string>() });',
    "stores.notes.set('a', 'b');",
    ['stores mutated isolate'],
  ],
  [
    'read from a file at the start',
    "import { readFileSync } from 'node:fs';\nconst data = JSON.parse(readFileSync('data.json', 'utf8'));",
    'data.tasks.push(args.task);',
    ['data mutated isolate'],
  ],
  [
    'imported from a JSON file',
    "import data from './data.json' with { type: 'json' };",
    'data.tasks.push(args.task);',
    ['data mutated isolate', 'state-not-isolated'],
    { files: { 'src/data.json': '{}' } },
  ],
  [
    'that a global function made',
    "const words = 'a b'.split(' ');",
    'words.push(args.word);',
    ['words mutated isolate'],
  ],
  [
    'that a global class made',
    "const url = new URL('http://a.example');",
    "url.searchParams.set('q', args.q);",
    ['url mutated isolate'],
  ],
  ['of bytes', 'const buffer = Buffer.alloc(8);', 'buffer[0] = args.n;', ['buffer mutated isolate']],
  [
    'that is a cache by argument',
    'const cache = new Map<string, string>();',
    'if (!cache.has(args.key)) cache.set(args.key, await load(args.key));',
    ['cache mutated isolate'],
  ],
  [
    'that is a cache, shared on request',
    'const cache = new Map<string, string>();',
    'if (!cache.has(args.key)) cache.set(args.key, await load(args.key));',
    ['cache mutated share'],
    { options: { share: ['cache'] } },
  ],
]);

judged('another name for a collection', [
  [
    'a property of it',
    'const store = { items: [] as string[] };\nconst items = store.items;',
    "items.push('a');",
    ['store mutated isolate', 'items mutated isolate'],
  ],
  [
    'a parameter',
    'const items: string[] = [];\nfunction add(list: string[]) { list.push("a"); }',
    'add(items);',
    ['items mutated isolate'],
  ],
  [
    'the default of a parameter',
    'const defaults = { n: 0 };\nfunction act(options = defaults) { options.n++; }',
    'act();',
    ['defaults mutated isolate'],
  ],
  [
    'what a function returns',
    'const items: string[] = [];\nconst all = () => items;',
    "all().push('a');",
    ['items mutated isolate'],
  ],
  [
    'a local variable',
    'const items: string[] = [];',
    "const mine = items; mine.push('a');",
    ['items mutated isolate'],
  ],
  [
    'a part taken out',
    'const store = { items: [] as string[] };\nconst { items } = store;',
    "items.push('a');",
    ['store mutated isolate', 'items mutated isolate'],
  ],
  [
    'an object inside a copy',
    'const defaults = { tags: [] as string[] };',
    "const mine = { ...defaults }; mine.tags.push('a');",
    ['defaults mutated isolate'],
  ],
  ['an element', 'const rows = [{ n: 0 }];', 'for (const row of rows) row.n++;', ['rows mutated isolate']],
  [
    'a property of an array that is used as an object',
    'const total = { n: 0 }; const table: any = []; table[process.env.NAME ?? "all"] = total;',
    'table.all.n++;',
    ['total mutated isolate', 'table mutated isolate'],
  ],
  [
    'a property that was assigned to an array',
    'const total = { n: 0 }; const table: any = Object.assign([], { all: total });',
    'table.all.n++;',
    ['total mutated isolate', 'table mutated isolate'],
  ],
  [
    'the first element of a set',
    'const rows = new Set([{ n: 0 }]);',
    'const first = rows.values().next().value; if (first) first.n++;',
    ['rows mutated isolate'],
  ],
  [
    'an element that is read by its number',
    'const rows = [{ n: 0 }];',
    'rows[0].n++;',
    ['rows mutated isolate'],
  ],
  [
    'something far inside of a large table',
    `const rows = [${'{ a: [{ n: 0 }] },'.repeat(300)}];`,
    'rows[args.n].a[0].n++;',
    ['rows mutated isolate'],
  ],
  [
    'what the elements of a large table are copied into',
    `const rows = [${'{ a: [{ n: 0 }] },'.repeat(300)}]; const found = new Map(rows.map((row) => [row.a, row]));`,
    'found.get(args.key)!.a[0].n++;',
    ['rows mutated isolate', 'found mutated isolate'],
  ],
]);

judged('a copy', [
  ['by spread', 'const defaults = { n: 0 };', 'const mine = { ...defaults }; mine.n++;', []],
  ['of an array by spread', 'const list = [1];', 'const mine = [...list]; mine.push(args.n);', []],
  [
    'by structuredClone',
    'const defaults = { a: { n: 0 } };',
    'const mine = structuredClone(defaults); mine.a.n++;',
    [],
  ],
  [
    'by JSON',
    'const defaults = { a: { n: 0 } };',
    'const mine = JSON.parse(JSON.stringify(defaults)); mine.a.n++;',
    [],
  ],
  ['made for each call', '', 'const seen = new Set<string>(); seen.add(args.text);', []],
  [
    'by the default of a parameter',
    'function act(list: string[] = []) { list.push("a"); return list; }',
    'act();',
    [],
  ],
]);

judged('a closure', [
  [
    'that counts',
    'function counter() { let n = 0; return () => ++n; }\nconst next = counter();',
    'next();',
    ['next instance isolate'],
  ],
  [
    'of a module made at once',
    'const store = (() => { const items: string[] = []; return { add: (one: string) => items.push(one) }; })();',
    "store.add('a');",
    ['store mutated isolate'],
  ],
  [
    'that yields',
    'function* numbers() { let n = 0; for (;;) yield n++; }\nconst ids = numbers();',
    'ids.next();',
    ['ids mutated isolate'],
  ],
  ['of an iterator', "const keys = ['a', 'b'].values();", 'keys.next();', ['keys mutated isolate']],
  [
    'that remembers, around a function',
    'function once(work: () => number) { let known: number | undefined; return () => (known ??= work()); }\nconst total = once(() => 1);',
    'total();',
    ['total instance isolate'],
  ],
  [
    'of a tag',
    'function tag(strings: readonly string[]) { let n = 0; return () => n++; }\nconst next = tag`a`;',
    'next();',
    ['next instance isolate'],
  ],
  [
    'of a decorator',
    'function memo(_: object, __: string, d: PropertyDescriptor) { const cache = new Map(); const old = d.value; d.value = (key: string) => cache.get(key) ?? (cache.set(key, old(key)), cache.get(key)); }\nclass Api { @memo look(key: string) { return key; } }\nconst api = new Api();',
    "api.look('a');",
    ['new Map() mutated isolate', 'state-not-isolated'],
  ],
  [
    'that a function keeps on itself',
    'function next() { next.count++; }\nnext.count = 0;',
    'next();',
    ['next mutated isolate', 'state-not-isolated'],
  ],
]);

judged('an instance', [
  ['at module level', `${STORE}\nconst store = new Store();`, "store.add('a');", ['store mutated isolate']],
  [
    'with private fields',
    'class Counter { #n = 0; next() { return ++this.#n; } }\nconst counter = new Counter();',
    'counter.next();',
    ['counter instance isolate'],
  ],
  [
    'that a function made',
    `${STORE}\nconst make = () => new Store();\nconst store = make();`,
    "store.add('a');",
    ['store mutated isolate'],
  ],
  [
    'in a Map',
    `${STORE}\nconst stores = new Map([['a', new Store()]]);`,
    "stores.get('a')?.add('b');",
    ['stores mutated isolate'],
  ],
  [
    'in an array',
    `${STORE}\nconst stores = [new Store()];`,
    "stores[0]?.add('b');",
    ['stores mutated isolate'],
  ],
  [
    'whose method is kept',
    `${STORE}\nconst store = new Store();\nconst add = store.add.bind(store);`,
    "add('b');",
    ['store mutated isolate', 'add captures-server isolate'],
  ],
  [
    'exported by default',
    "import store from './store.js';",
    "store.add('a');",
    ['default mutated isolate'],
    { files: { 'src/store.ts': `${STORE}\nexport default new Store();` } },
  ],
  [
    'imported through a barrel',
    "import { store } from './stores/index.js';",
    "store.add('a');",
    ['store mutated isolate'],
    {
      files: {
        'src/stores/index.ts': "export * from './store.js';",
        'src/stores/store.ts': `${STORE}\nexport const store = new Store();`,
      },
    },
  ],
  [
    're-exported under another name',
    "import { notes } from './barrel.js';",
    "notes.add('a');",
    ['store mutated isolate'],
    {
      files: {
        'src/barrel.ts': "export { store as notes } from './store.js';",
        'src/store.ts': `${STORE}\nexport const store = new Store();`,
      },
    },
  ],
  [
    'imported as a namespace',
    "import * as state from './store.js';",
    "state.store.add('a');",
    ['store mutated isolate'],
    { files: { 'src/store.ts': `${STORE}\nexport const store = new Store();` } },
  ],
  [
    'in a module that Promise.all loads, and that reads nothing of it',
    "const [{ name }] = await Promise.all([import('./store.js')]);",
    'args.list.push(name);',
    [],
    {
      files: {
        'src/store.ts': "export const name = 'a'; export const store = new Set<string>(); store.add('a');",
      },
    },
  ],
  [
    'read from a namespace that is passed on',
    "import * as state from './store.js'; const all = [state];",
    "for (const one of all) one.store.add('a');",
    ['store mutated isolate', 'state-not-isolated'],
    { files: { 'src/store.ts': "export const name = 'a'; export const store = new Set<string>();" } },
  ],
  [
    'loaded by import()',
    '',
    "const { store } = await import('./store.js'); store.add('a');",
    ['store mutated isolate'],
    { files: { 'src/store.ts': `${STORE}\nexport const store = new Store();` } },
  ],
  [
    'by getInstance()',
    'class Store { static instance?: Store; items: string[] = []; static getInstance() { return (Store.instance ??= new Store()); } }',
    "Store.getInstance().items.push('a');",
    ['instance reassigned isolate'],
  ],
  [
    'that inherits',
    'class Base { protected n = 0; next() { return this.n++; } }\nclass Counter extends Base {}\nconst counter = new Counter();',
    'counter.next();',
    ['counter instance isolate'],
  ],
  [
    'whose class only computes',
    'class Adder { constructor(private readonly by: number) {} add(n: number) { return n + this.by; } }\nconst adder = new Adder(1);',
    'adder.add(args.n);',
    [],
  ],
  [
    'of EventEmitter',
    "import { EventEmitter } from 'node:events';\nconst bus = new EventEmitter();",
    "bus.on('a', () => undefined);",
    ['bus mutated isolate'],
  ],
  [
    'of a class that extends EventEmitter',
    "import { EventEmitter } from 'node:events';\nclass Bus extends EventEmitter {}\nconst bus = new Bus();",
    "bus.emit('a');",
    ['bus instance isolate'],
  ],
]);

judged('a class', [
  [
    'with a static array',
    'class Log { static lines: string[] = []; }',
    "Log.lines.push('a');",
    ['lines mutated isolate'],
  ],
  [
    'with a static counter',
    'class Ids { static #last = 0; static next() { return ++Ids.#last; } }',
    'Ids.next();',
    ['#last reassigned isolate'],
  ],
  [
    'with a counter set by `this`',
    'class Ids { static last = 0; static next() { return ++this.last; } }',
    'Ids.next();',
    ['last reassigned isolate'],
  ],
  [
    'whose prototype holds the counter',
    'class Ids {}\n(Ids.prototype as any).last = 0;',
    '(Ids.prototype as any).last++;',
    ['Ids mutated isolate', 'state-not-isolated'],
  ],
  [
    'of constants',
    "class Limits { static readonly MAX = 5; static readonly NAMES = ['a']; }",
    'print(Limits.MAX, Limits.NAMES);',
    [],
  ],
]);

judged('what is global', [
  [
    'globalThis',
    '',
    '(globalThis as any).user = args.user;',
    ['(globalThis as any).user reassigned isolate', 'state-not-isolated'],
  ],
  ['the environment', '', 'process.env.TOKEN = args.token;', ['process.env.TOKEN reassigned isolate']],
  ['the environment, always the same', '', "process.env.NO_COLOR = '1';", []],
  [
    'the working directory',
    '',
    'process.chdir(args.dir);',
    ['process.chdir reassigned isolate', 'state-not-isolated'],
  ],
  [
    'a built-in prototype',
    '',
    '(Array.prototype as any).user = args.user;',
    ['(Array.prototype as any).user reassigned isolate', 'state-not-isolated'],
  ],
  [
    "a package's own settings",
    "import axios from 'axios';",
    'axios.defaults.headers.common.Authorization = args.token;',
    ['axios.defaults.headers.common.Authorization reassigned isolate', 'state-not-isolated'],
  ],
  [
    "a package's own settings, from the environment",
    `import { env } from '@huggingface/transformers';
    class Embedder { constructor(private config: { dir: string }) {} model: unknown; async init() { env.cacheDir = this.config.dir; this.model = await load(); } }
    const embedder = new Embedder({ dir: process.env.CACHE ?? 'cache' });`,
    'await embedder.init();',
    ['embedder instance isolate'],
  ],
  [
    "a package's own settings, from what an object was told",
    `import { env } from '@huggingface/transformers';
    class Embedder { dir = 'cache'; use(dir: string) { this.dir = dir; } init() { env.cacheDir = this.dir; } }
    const embedder = new Embedder();`,
    'embedder.use(args.dir); embedder.init();',
    ['embedder instance isolate', 'env.cacheDir reassigned isolate', 'state-not-isolated'],
  ],
  [
    "a package's own settings, from what a client has set",
    `import { env } from '@huggingface/transformers';
    const config = { dir: 'cache' };`,
    'if (args.dir) config.dir = args.dir; env.cacheDir = config.dir;',
    ['config mutated isolate', 'env.cacheDir reassigned isolate', 'state-not-isolated'],
  ],
  [
    "a package's own settings, counted on",
    "import { env } from '@huggingface/transformers';",
    'env.calls = env.calls + 1;',
    ['env.calls reassigned isolate', 'state-not-isolated'],
  ],
]);

judged('what comes from a package', [
  [
    'a database in memory',
    "import Database from 'better-sqlite3';\nconst db = new Database(':memory:');",
    "db.prepare('insert').run(args);",
    ['db mutated isolate'],
  ],
  [
    'a package of databases in memory, of which each call makes its own',
    "import initSqlJs from 'sql.js';\nconst SQL = await initSqlJs();",
    'const db = new SQL.Database(); db.run(args.sql);',
    [],
  ],
  [
    'a database in memory, of a package that is loaded first',
    "import initSqlJs from 'sql.js';\nconst SQL = await initSqlJs();\nconst db = new SQL.Database();",
    'db.run(args.sql);',
    ['db mutated isolate'],
  ],
  [
    'a database in a file',
    "import Database from 'better-sqlite3';\nconst db = new Database('notes.db');",
    "db.prepare('insert').run(args);",
    [],
  ],
  [
    'one connection to a database, told what a client says',
    "import pg from 'pg';\nconst client = new pg.Client();",
    'await client.query(args.sql);',
    ['client mutated isolate'],
  ],
  [
    'one connection with a transaction',
    "import mysql from 'mysql2/promise';\nlet connection: any;",
    "connection ??= await mysql.createConnection({}); await connection.query('BEGIN'); await connection.query(`INSERT INTO notes VALUES (${args.id})`);",
    ['connection reassigned isolate'],
  ],
  [
    'one connection that runs statements of the program',
    "import { Client } from 'pg';\nconst client = new Client();",
    "const sql = 'SELECT * FROM notes'; await client.query(sql + args.where); await client.query({ text: `INSERT INTO notes VALUES (${args.id})` });",
    [],
  ],
  [
    'a database in a file, told what a client says',
    "import Database from 'better-sqlite3';\nconst db = new Database('notes.db');",
    'print(db.prepare(args.sql).all());',
    ['db mutated isolate'],
  ],
  ['a pool', "import pg from 'pg';\nconst pool = new pg.Pool();", "await pool.query('select 1');", []],
  [
    'a pool made when it is needed',
    "import pg from 'pg';\nlet pool: pg.Pool | undefined;",
    'pool ??= new pg.Pool();',
    ['pool resource share'],
  ],
  ['a logger', "import pino from 'pino';\nconst log = pino();", 'log.info(args);', []],
  [
    'a client that a tool logs in',
    "import { google } from 'googleapis';\nconst auth = new google.auth.OAuth2('id', 'secret');",
    'auth.setCredentials(args);',
    ['auth mutated isolate'],
  ],
  [
    'a client whose header a tool sets',
    "import axios from 'axios';\nconst http = axios.create();",
    'http.defaults.headers.common.Authorization = args.token;',
    ['http mutated isolate'],
  ],
  [
    'a client that signs in',
    "import { createClient } from '@supabase/supabase-js';\nconst supabase = createClient('a', 'b');",
    'await supabase.auth.signInWithPassword(args);',
    ['supabase mutated isolate'],
  ],
  [
    'a token that a tool sets',
    'let token: string | undefined;\nconst ask = (path: string) => fetch(path, { headers: { authorization: token } });',
    'if (args.token) token = args.token; await ask(args.path);',
    ['token reassigned isolate'],
  ],
  [
    'a child process',
    "import { spawn } from 'node:child_process';\nconst shell = spawn('bash');",
    'shell.stdin.write(args.command);',
    ['shell mutated isolate'],
  ],
  [
    'a sandbox',
    "import vm from 'node:vm';\nconst context = vm.createContext({});",
    'vm.runInContext(args.code, context);',
    ['context mutated isolate'],
  ],
  [
    'a browser',
    "import puppeteer from 'puppeteer';\nlet browser: any;",
    'browser ??= await puppeteer.launch(); await browser.newPage();',
    ['browser reassigned isolate'],
  ],
]);

judged('a server', [
  [
    'that a logger keeps',
    "import { setServer } from './log.js';\nimport { log } from './log.js';",
    'log(args.text);',
    ['server captures-server isolate'],
    {
      after: 'setServer(server);',
      files: {
        'src/log.ts':
          "let server: any;\nexport const setServer = (one: any) => { server = one; };\nexport const log = (text: string) => server?.sendLoggingMessage({ level: 'info', data: text });",
      },
    },
  ],
]);

judged('what a timer does', [
  [
    'to what nobody else writes',
    'let uptime = 0;\nsetInterval(() => { uptime++; }, 1000).unref();',
    'print(uptime);',
    [],
  ],
]);

judged('what never changes', [
  [
    'a table',
    "const names = { a: 'b' };\nconst list = ['a', 'b'];",
    'print(names[args.key], list.map((one) => one.length), list.includes("a"));',
    [],
  ],
  ['a frozen object', 'const limits = Object.freeze({ max: 5 });', 'print(limits.max);', []],
  ['an enumeration', "enum Colour { Red = 'red' }", 'print(Colour.Red);', []],
  [
    'a schema',
    "import { z } from 'zod';\nconst schema = z.object({ a: z.string() });",
    'schema.parse(args);',
    [],
  ],
  ['an expression without the g flag', 'const word = /a+/;', 'word.test(args.text);', []],
  ['an expression that replaces everywhere', 'const word = /a+/g;', "args.text.replace(word, 'b');", []],
  [
    'an expression that remembers where it was',
    'const word = /a+/g;',
    'word.test(args.text);',
    ['word mutated isolate'],
  ],
  [
    'an expression that is followed to the end',
    'const word = /a+/g;',
    'let found; while ((found = word.exec(args.text)) !== null) print(found);',
    [],
  ],
  [
    'an expression that starts anew and is followed to the end',
    'const word = /a+/g;',
    'let found; word.lastIndex = 0; while ((found = word.exec(args.text)) !== null) print(found);',
    [],
  ],
  [
    'expressions of a list that start anew and find all',
    'const words = [/a+/g, /b+/g];',
    'for (const word of words) { word.lastIndex = 0; for (const found of args.text.matchAll(word)) print(found); }',
    [],
  ],
  [
    'an expression that starts anew and is waited on half-way',
    'const word = /a+/g;',
    'let found; word.lastIndex = 0; while ((found = word.exec(args.text)) !== null) await fetch(found[0]);',
    ['word mutated isolate'],
  ],
  [
    'an expression that starts anew and is left half-way',
    'const word = /a+/g;',
    'word.lastIndex = 0; word.exec(args.text);',
    ['word mutated isolate'],
  ],
  [
    'an expression that starts elsewhere',
    'const word = /a+/g;',
    'word.lastIndex = args.from; print(args.text.replace(word, ""));',
    ['word mutated isolate'],
  ],
]);

judged('what follows a call', [
  [
    'a context that is given to what it runs',
    "import { AsyncLocalStorage } from 'node:async_hooks';\nconst context = new AsyncLocalStorage();",
    'context.run({ text: args.text }, () => print(context.getStore()));',
    [],
  ],
  [
    'a context that gives back what lasts',
    "import { AsyncLocalStorage } from 'node:async_hooks';\nconst notes = new Map();\nconst context = new AsyncLocalStorage();",
    "context.run(notes, () => { context.getStore().set('a', args.text); });",
    ['notes mutated isolate'],
  ],
]);

judged('a CommonJS program', [
  [
    'with a Map',
    'const notes = new Map();',
    "notes.set('a', args.text);",
    ['notes mutated isolate'],
    { commonJs: true },
  ],
  [
    'with a counter it exports',
    'exports.counter = 0;',
    'exports.counter++;',
    ['exports.counter reassigned isolate', 'state-not-isolated'],
    { commonJs: true },
  ],
  [
    'that requires an instance',
    "const store = require('./store');",
    "store.add('a');",
    ['new Store() mutated isolate', 'state-not-isolated'],
    {
      commonJs: true,
      files: {
        'store.js':
          'class Store { constructor() { this.items = []; } add(one) { this.items.push(one); } }\nmodule.exports = new Store();',
      },
    },
  ],
  [
    'that requires a named instance',
    "const { store } = require('./store');",
    "store.add('a');",
    ['store mutated isolate'],
    {
      commonJs: true,
      files: {
        'store.js':
          'class Store { constructor() { this.items = []; } add(one) { this.items.push(one); } }\nconst store = new Store();\nmodule.exports = { store };',
      },
    },
  ],
  [
    'with a constructor function',
    'function Store() { this.items = []; }\nStore.prototype.add = function (one) { this.items.push(one); };\nconst store = new Store();',
    "store.add('a');",
    ['store instance isolate'],
    { commonJs: true },
  ],
  [
    'that counts in another module',
    "const counter = require('./counter');",
    'counter.next();',
    ['count reassigned isolate'],
    { commonJs: true, files: { 'counter.js': 'let count = 0;\nexports.next = () => ++count;' } },
  ],
]);

judged('what only looks like a part of something that lasts', [
  [
    'what a method of the language is given, beside functions in an array',
    'const total = { n: 0 }; const steps: any[] = [(some: typeof total) => some.n++];',
    'steps.includes(total);',
    [],
  ],
  [
    'what a map holds, beside the keys that are deleted',
    "import { nobody } from 'chain';\nconst orders = new Map<string, { order: object; fee?: number }>();",
    `for (const [id, one] of orders) if (one.fee) orders.delete(id);
    orders.set(args.id, { order: { to: nobody } });
    const order = orders.get(args.id); order.fee = args.fee;`,
    ['orders mutated isolate'],
  ],
  [
    'a variable that is called module',
    'const sizes = new Map([["a", { size: 0 }]]);',
    'for (const module of sizes.values()) module.size = args.size;',
    ['sizes mutated isolate'],
  ],
  [
    'a text of a module',
    "import path, { sep } from 'node:path';\nimport process from 'node:process';\nconst place = () => ({ root: path.sep, end: sep, home: process.env.HOME, all: { ...process.env } });",
    'const part = place()[args.key]; part.seen = args.text;',
    [],
  ],
  [
    'a method of what a collection holds, when the elements are read',
    'class Visit { text = String(); greet() { return this.text; } }',
    'const visits = new Map([[args.key, new Visit()]]); for (const one of Array.from(visits.values())) one.text = args.text;',
    [],
  ],
]);

const deviceModule = (isMain: string, before = ''): Partial<Source> => ({
  files: {
    'src/device.ts': `import { fileURLToPath, pathToFileURL } from 'node:url';
${before}
export class Device { private log: string[] = []; note(one: string) { this.log.push(one); } }
const isMain = ${isMain};
if (isMain) {
  const device = new Device();
  process.stdin.on('data', (one) => device.note(String(one)));
}`,
  },
});
const DEVICE = "import { Device } from './device.js';";
const NOTED = 'new Device().note(args.text);';

judged('a module that is a program as well', [
  [
    'keeps what only that program has',
    DEVICE,
    NOTED,
    [],
    deviceModule(
      "process.argv[1] && (fileURLToPath(import.meta.url) === process.argv[1] || process.argv[1].endsWith('device.js'))",
    ),
  ],
  [
    'also where it compares constants',
    DEVICE,
    NOTED,
    [],
    deviceModule(
      'started === import.meta.url.toLowerCase()',
      "const started = process.argv[1] ? pathToFileURL(process.argv[1]).href.toLowerCase() : '';",
    ),
  ],
  [
    'asks for arguments that only that program is given',
    DEVICE,
    '',
    [],
    {
      files: {
        'src/device.ts': `export class Device {}
if (import.meta.url === \`file://\${process.argv[1]}\`) {
  const name = process.argv[2];
  if (!name) {
    console.error('Usage: node device.js <name>');
    process.exit(1);
  }
}`,
      },
    },
  ],
  [
    'or may be this one under another name',
    DEVICE,
    NOTED,
    ['device mutated isolate', 'state-not-isolated'],
    deviceModule(
      "fileURLToPath(import.meta.url) === process.argv[1] || process.argv[1].endsWith('index.js')",
    ),
  ],
]);
