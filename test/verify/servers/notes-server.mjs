// The server under test: a notebook that remembers what its client said, and talks back while it works.
import { appendFileSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { completable } from '@modelcontextprotocol/sdk/server/completable.js';
import { McpServer, ResourceTemplate } from '@modelcontextprotocol/sdk/server/mcp.js';
import { z } from 'zod';

/** Beside the code, as many servers do it: every client of the project meets here. */
const SAVED = new URL('saved.txt', import.meta.url);

const READS = { annotations: { readOnlyHint: true } };

/**
 * @param notes what this client has said so far
 * @param faults what is wrong on purpose: `missing-tool`, `shared-answer`
 * @param first returns the server that log lines go to
 */
export function createNotesServer({ notes = [], faults = [], first } = {}) {
  const server = new McpServer(
    { name: 'notes', version: '1.2.3' },
    { capabilities: { logging: {} }, instructions: 'Take notes.' },
  );
  const speaker = first?.(server) ?? server;
  const answer = faults.includes('shared-answer') ? shared : {};

  server.registerTool(
    'note',
    { ...READS, inputSchema: { text: z.string(), tag: z.string().optional() } },
    async ({ text }) => {
      notes.push(text);
      return { content: [{ type: 'text', text: `${notes.length}: ${notes.join(' ')}` }] };
    },
  );
  server.registerTool('echo', { ...READS, inputSchema: { text: z.string() } }, async ({ text }) => {
    answer.text = text;
    await sleep(3);
    return { content: [{ type: 'text', text: answer.text }] };
  });
  server.registerTool('tell', { ...READS, inputSchema: { text: z.string() } }, async ({ text }) => {
    await speaker.sendLoggingMessage({ level: 'info', data: text });
    return { content: [{ type: 'text', text: 'told' }] };
  });
  server.registerTool('now', READS, async () => ({
    content: [{ type: 'text', text: String(process.hrtime.bigint()) }],
  }));
  server.registerTool('forget', { inputSchema: {} }, async () => {
    notes.length = 0;
    throw new Error('forgetting changes something: nobody may call this unasked');
  });
  server.registerTool('save', { inputSchema: { text: z.string() } }, async ({ text }) => {
    appendFileSync(SAVED, `${text}\n`);
    return { content: [{ type: 'text', text: readFileSync(SAVED, 'utf8') }] };
  });
  if (!faults.includes('missing-tool')) {
    server.registerTool('count', READS, async () => ({
      content: [{ type: 'text', text: String(notes.length) }],
    }));
  }
  server.registerResource('motto', 'notes://motto', {}, async (uri) => ({
    contents: [{ uri: uri.href, text: 'write' }],
  }));
  server.registerResource(
    'page',
    new ResourceTemplate('notes://page/{number}', { list: undefined }),
    {},
    async (uri) => ({
      contents: [{ uri: uri.href, text: uri.pathname }],
    }),
  );
  server.registerPrompt(
    'summarise',
    { argsSchema: { language: completable(z.string(), () => ['en', 'de', 'fr']) } },
    ({ language }) => ({
      messages: [{ role: 'user', content: { type: 'text', text: `Summarise in ${language}` } }],
    }),
  );
  return server;
}

const shared = {};
