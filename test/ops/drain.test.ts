import { expect, it } from 'vitest';
import { call, post, startService } from '../runtime/service.js';

/** Holds up the event loop, so that the calls that come meanwhile wait in the kernel when SIGTERM is seen. */
const server = `
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
export function createServer() {
  const server = new McpServer({ name: 'busy', version: '1.0.0' });
  server.registerTool('block', {}, () => {
    const end = Date.now() + 1000;
    while (Date.now() < end);
    return { content: [] };
  });
  server.registerTool('slow', {}, async () => {
    await new Promise((resolve) => setTimeout(resolve, 300));
    return { content: [{ type: 'text', text: 'finished' }] };
  });
  return server;
}
`;

it('whoever waits to be let in when SIGTERM comes is answered', async () => {
  const service = await startService({ server });
  const blocking = post(service, call('block'));
  await new Promise((resolve) => setTimeout(resolve, 150));
  const waiting = Array.from({ length: 40 }, (_, id) => post(service, call('slow', {}, id)));
  await new Promise((resolve) => setTimeout(resolve, 300));
  service.child.kill('SIGTERM');
  for (const answer of await Promise.all(waiting)) expect(await answer.text()).toContain('finished');
  expect((await blocking).status).toBe(200);
  expect(await service.exited()).toBe(0);
});
