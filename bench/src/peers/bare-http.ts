/** The limit: node:http that parses a JSON-RPC request and answers it, and nothing else. `bare-http.js <list.json>` */

import fs from 'node:fs';
import { createServer } from 'node:http';

const list = fs.readFileSync(process.argv[2] ?? '', 'utf8');

createServer((request, response) => {
  const chunks: Buffer[] = [];
  request.on('data', (chunk: Buffer) => chunks.push(chunk));
  request.on('end', () => {
    const { id, method, params } = JSON.parse(Buffer.concat(chunks).toString('utf8'));
    const body = method === 'tools/list' ? `{"jsonrpc":"2.0","id":${id},"result":${list}}` : call(id, params);
    response.writeHead(200, {
      'content-type': 'application/json',
      'content-length': Buffer.byteLength(body),
    });
    response.end(body);
  });
}).listen(Number(process.env['PORT']), '127.0.0.1');

function call(
  id: number,
  { arguments: { value, from, to } }: { arguments: Record<string, unknown> },
): string {
  const text = `${value} ${from} = ${Number(value) * 1000} ${to}`;
  return JSON.stringify({ jsonrpc: '2.0', id, result: { content: [{ type: 'text', text }] } });
}
