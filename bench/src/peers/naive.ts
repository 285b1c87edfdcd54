/** The pattern of the SDK's examples: Express, and for every request a fresh server on a fresh official transport. */

import { pathToFileURL } from 'node:url';
import type { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js';
import express from 'express';

const { createServer } = (await import(pathToFileURL(process.argv[2] ?? '').href)) as {
  createServer: () => McpServer;
};

const app = express();
app.use(express.json());
app.post('/mcp', async (request, response) => {
  const server = createServer();
  const transport = new StreamableHTTPServerTransport({});
  response.on('close', () => {
    void transport.close();
    void server.close();
  });
  // The SDK's declarations do not fit exactOptionalPropertyTypes.
  await server.connect(transport as Parameters<McpServer['connect']>[0]);
  await transport.handleRequest(request, response, request.body);
});
app.listen(Number(process.env['PORT']), '127.0.0.1');
