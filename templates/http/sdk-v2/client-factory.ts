import type { McpServerFactory } from '@modelcontextprotocol/server';
import type { serveStdio } from '@modelcontextprotocol/server/stdio';
import { ProgramStart } from './program-start.js';

/** The program makes its factory on its way to where it serves; the service gives each client a server from it. */
const start = new ProgramStart<McpServerFactory>();

/** Hands the factory to the service that has started the program. Over stdio the program serves with it. */
export const handOver =
  (serve: typeof serveStdio): typeof serveStdio =>
  (factory, options) =>
    start.handOver(factory) ? { close: async () => undefined } : serve(factory, options);

/** Starts the program. Resolves, as soon as it would serve, to its factory. */
export const startProgram = (load: () => Promise<unknown>, file?: string | URL): Promise<McpServerFactory> =>
  start.run(load, file);
