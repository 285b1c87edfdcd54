import { expect, it } from 'vitest';
import { judge } from './state-verdict.js';

const before = `
import { createServer } from 'node:http';
import { WebSocketServer } from 'ws';
const PORT = parseInt(process.env.PAGES_PORT || '8765', 10);
const pages = (told: () => void) => createServer((_request, response) => { told(); response.end(); });
`;
const told = '() => server.sendToolListChanged()';

/** What stands behind the server, and whether every client's server would take a port that only one can have. */
const rows: readonly [what: string, after: string, taken: boolean][] = [
  ['a port that is written down', `pages(${told}).listen(8765);`, true],
  ['the usual port, unless the environment says another', `pages(${told}).listen(PORT, '127.0.0.1');`, true],
  [
    'the usual port, when the environment says none',
    `const port = process.env.PAGES_PORT ? parseInt(process.env.PAGES_PORT) : 8765;\npages(${told}).listen(port);`,
    true,
  ],
  ['in options', `pages(${told}).listen({ port: PORT, host: '127.0.0.1' });`, true],
  ['of a WebSocket server', `new WebSocketServer({ port: 9009 }).on('connection', ${told});`, true],
  [
    'in a function that is called',
    `function open() { pages(${told}).listen(process.env.PORT ?? 80); }\nopen();`,
    true,
  ],
  [
    'that is waited for',
    `await new Promise<void>((resolve) => { pages(${told}).listen(8765, resolve); });`,
    true,
  ],
  [
    'in a constructor',
    `class Pages { constructor() { pages(${told}).listen(8765); } }\nconst own = new Pages();`,
    true,
  ],
  ['any port', `pages(${told}).listen(0);`, false],
  ['a port that is looked for', `const free = await find();\npages(${told}).listen(free);`, false],
  ['a port that only the environment knows', `pages(${told}).listen(Number(process.env.PORT));`, false],
  ['on a condition', `if (process.env.PAGES) pages(${told}).listen(8765);`, false],
  [
    'in a function that is called on a condition',
    `function open() { pages(${told}).listen(8765); }\nprocess.env.PAGES && open();`,
    false,
  ],
  [
    'in a function that may return before',
    `function open() {\n  if (!process.env.PAGES) return;\n  pages(${told}).listen(8765);\n}\nopen();`,
    false,
  ],
  ['and what to do without it', `pages(${told}).on('error', console.error).listen(8765);`, false],
  ['for the process, which opens it once', 'pages(() => undefined).listen(8765);', false],
  [
    'when a tool is called',
    `server.registerTool('open', {}, () => { pages(${told}).listen(8765); return { content: [] }; });`,
    false,
  ],
  [
    'by what is no listener',
    `const radio = { listen: (port: number) => ${told} };\nradio.listen(8765);`,
    false,
  ],
];

it.each(rows)('%s', (_what, after, taken) => {
  const codes = judge({ before, tool: '', after });
  expect(codes.includes('port-per-client'), codes.join(', ')).toBe(taken);
});
