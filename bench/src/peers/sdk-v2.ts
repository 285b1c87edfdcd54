/** SDK v2's own entry: `createMcpHandler` on node:http. */

import { createServer as createHttpServer } from 'node:http';
import { pathToFileURL } from 'node:url';
import { toNodeHandler } from '@modelcontextprotocol/node';
import { createMcpHandler, type McpServer } from '@modelcontextprotocol/server';

const { createServer } = (await import(pathToFileURL(process.argv[2] ?? '').href)) as {
  createServer: () => McpServer;
};

const handle = toNodeHandler(createMcpHandler(() => createServer()));
// The declarations do not fit exactOptionalPropertyTypes.
type Request = Parameters<typeof handle>[0];
createHttpServer((request, response) => void handle(request as Request, response)).listen(
  Number(process.env['PORT']),
  '127.0.0.1',
);
