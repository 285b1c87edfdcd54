// `--port N` occupies a port, so that two of these do not run beside each other; `--needs NAME` wants a variable.
import { createServer } from 'node:http';
import { StdioServerTransport } from '@modelcontextprotocol/sdk/server/stdio.js';
import { createNotesServer } from './notes-server.mjs';

const option = (name) => process.argv[process.argv.indexOf(name) + 1];
if (process.argv.includes('--needs') && !process.env[option('--needs')]) {
  console.error(`${option('--needs')} is not set`);
  process.exit(1);
}
if (process.argv.includes('--port')) createServer().listen(Number(option('--port')), '127.0.0.1');
await createNotesServer().connect(new StdioServerTransport());
