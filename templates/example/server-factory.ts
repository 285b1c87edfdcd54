import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js';
import { z } from 'zod';

/** The seam as generated, with a server of its own in the place of the project's: for checking the templates. */

export type ServerFactory = () => Promise<{ connect(transport: Transport): Promise<void> }>;

export const sessionMode: 'stateless' | 'stateful' = 'stateless';
export const reusable: boolean = true;
export const fixedTools: boolean = true;
export const survivesExceptions: boolean = false;
export const ownsWhatItStarts: boolean = true;

export const projectVariables: readonly { name: string; required: boolean; secret: boolean }[] = [
  { name: 'EXAMPLE_TOKEN', required: false, secret: true },
];

export const credentialHeaders: readonly { variable: string; header: string }[] = [
  { variable: 'EXAMPLE_TOKEN', header: 'x-example-token' },
];

export const workerFile = new URL('./session-worker.js', import.meta.url);

export async function loadServerFactory(): Promise<ServerFactory> {
  return async () => {
    const server = new McpServer({ name: 'example', version: '1.0.0' });
    server.registerTool('echo', { inputSchema: { text: z.string() } }, ({ text }) => ({
      content: [{ type: 'text', text }],
    }));
    return server;
  };
}
