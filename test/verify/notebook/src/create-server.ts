import { completable } from '@modelcontextprotocol/sdk/server/completable.js';
import { McpServer, ResourceTemplate } from '@modelcontextprotocol/sdk/server/mcp.js';
import { z } from 'zod';
import { notes } from './notes.js';

const readOnly = { annotations: { readOnlyHint: true } };
const text = (value: unknown) => ({ content: [{ type: 'text' as const, text: String(value) }] });

export function createServer(): McpServer {
  const server = new McpServer(
    { name: 'notebook', version: '1.0.0' },
    { capabilities: { logging: {} }, instructions: 'Take notes.' },
  );
  server.registerTool('note', { ...readOnly, inputSchema: { line: z.string() } }, async ({ line }) => {
    notes.value.push(line);
    return text(`${notes.value.length}: ${notes.value.join(' ')}`);
  });
  server.registerTool('echo', { ...readOnly, inputSchema: { line: z.string() } }, async ({ line }, extra) => {
    const progressToken = extra._meta?.progressToken;
    if (progressToken !== undefined) {
      await extra.sendNotification({
        method: 'notifications/progress',
        params: { progressToken, progress: 1, message: line },
      });
    }
    return text(line);
  });
  server.registerTool('tell', { ...readOnly, inputSchema: { line: z.string() } }, async ({ line }) => {
    await server.sendLoggingMessage({ level: 'info', data: line });
    return text('told');
  });
  server.registerTool('ask', readOnly, async () => {
    const answer = await server.server.createMessage({
      messages: [{ role: 'user', content: { type: 'text', text: 'What is your word?' } }],
      maxTokens: 10,
    });
    return text(JSON.stringify(answer.content));
  });
  server.registerTool('roots', readOnly, async () => text(JSON.stringify(await server.server.listRoots())));
  server.registerTool('fail', readOnly, async () => {
    throw new Error('it failed');
  });
  server.registerTool('now', readOnly, async () => text(process.hrtime.bigint()));
  server.registerResource('motto', 'notes://motto', {}, async (uri) => ({
    contents: [{ uri: uri.href, text: 'write' }],
  }));
  server.registerResource(
    'page',
    new ResourceTemplate('notes://page/{number}', { list: undefined }),
    {},
    async (uri) => ({ contents: [{ uri: uri.href, text: uri.pathname }] }),
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
