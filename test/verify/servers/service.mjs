// The notebook as an HTTP service, right by default; every word after the file name is one thing done wrong.
import { randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js';
import { isInitializeRequest } from '@modelcontextprotocol/sdk/types.js';
import { createNotesServer } from './notes-server.mjs';

const faults = process.argv.slice(2);
const wrong = (name) => faults.includes(name);
const setting = (name, otherwise) => Number(process.env[name] ?? otherwise);

const sessions = new Map();
const everyonesNotes = [];
let firstServer;
let draining = false;
let asked = 0;

function refuse(response, status, code, message, headers = {}) {
  if (wrong('html-refusals'))
    return void response.writeHead(status, { 'content-type': 'text/html' }).end('<h1>No</h1>');
  response.writeHead(status, { 'content-type': 'application/json', ...headers });
  response.end(JSON.stringify({ jsonrpc: '2.0', id: null, error: { code, message } }));
}

const GATES = [
  [
    'hostile-host',
    (request) => /^(127\.0\.0\.1|localhost):/.test(request.headers.host) || [403, -32000, 'Host'],
  ],
  [
    'hostile-origin',
    ({ headers }) =>
      !headers.origin ||
      /^http:\/\/(127\.0\.0\.1|localhost)[:/]/.test(headers.origin) || [403, -32000, 'Origin'],
  ],
  [
    'no-rate-limit',
    () =>
      ++asked <= setting('RATE_LIMIT_PER_MINUTE', 60) || [429, -32000, 'Too many', { 'retry-after': '30' }],
  ],
];

async function readBody(request) {
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  return Buffer.concat(chunks);
}

async function serveMcp(request, response) {
  for (const [fault, gate] of GATES) {
    const refusal = wrong(fault) || gate(request);
    if (refusal !== true) return refuse(response, ...refusal);
  }
  const open = sessions.get(request.headers['mcp-session-id']);
  if (request.method !== 'POST') {
    if (!open) return refuse(response, 404, -32001, 'Unknown session');
    return open.handleRequest(request, response);
  }
  const text = await readBody(request);
  if (text.length > setting('MAX_BODY_BYTES', 1e6) && !wrong('no-body-limit'))
    return refuse(response, 413, -32000, 'Too large');
  if (!String(request.headers['content-type']).startsWith('application/json'))
    return refuse(response, 415, -32000, 'Type');
  let body;
  try {
    body = JSON.parse(text.toString());
  } catch (error) {
    return refuse(response, 400, -32700, wrong('stack-trace') ? error.stack : 'Parse error');
  }
  if (body.jsonrpc !== '2.0') return refuse(response, 400, -32600, 'Not JSON-RPC');
  if (open) return open.handleRequest(request, response, body);
  if (request.headers['mcp-session-id']) return refuse(response, 404, -32001, 'Unknown session');
  if (!isInitializeRequest(body)) return refuse(response, 400, -32000, 'No session');
  await (await openSession()).handleRequest(request, response, body);
}

async function openSession() {
  const transport = new StreamableHTTPServerTransport({
    sessionIdGenerator: randomUUID,
    onsessioninitialized: (id) => sessions.set(id, transport),
    onsessionclosed: (id) => sessions.delete(id),
  });
  const server = createNotesServer({
    faults,
    ...(wrong('shared-notes') ? { notes: everyonesNotes } : {}),
    ...(wrong('first-server') ? { first: (own) => (firstServer ??= own) } : {}),
  });
  await server.connect(transport);
  return transport;
}

const started = Date.now();
const PROBES = {
  '/health': () => [200, { status: 'healthy', version: '1.2.3', uptime: (Date.now() - started) / 1000 }],
  '/livez': () => [200, { status: 'alive' }],
  '/readyz': () =>
    draining && !wrong('ready-in-drain') ? [503, { status: 'draining' }] : [200, { status: 'ready' }],
};
if (wrong('no-uptime')) PROBES['/health'] = () => [200, { status: 'healthy', version: '1.2.3' }];

const http = createServer((request, response) => {
  const probe = PROBES[request.url];
  if (!probe) return void serveMcp(request, response);
  const [status, body] = probe();
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
});
http.listen(setting('PORT', 3000), '127.0.0.1');

if (wrong('ends-with-stdin')) process.stdin.on('end', () => process.exit(0)).resume();
if (wrong('writes-a-file')) (await import('node:fs')).writeFileSync(`${process.env.HOME}/left-behind`, 'x');

process.on('SIGTERM', () => {
  if (wrong('exits-at-once')) process.exit(0);
  draining = true;
  setTimeout(
    () => {
      http.close(() => process.exit(wrong('exit-code') ? 3 : 0));
      for (const transport of sessions.values()) void transport.close();
      setInterval(() => http.closeIdleConnections(), 20);
    },
    setting('SHUTDOWN_DELAY_MS', 0),
  );
});
