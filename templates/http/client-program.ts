import { withTransport } from './client-transport.js';
import { ProgramStart } from './program-start.js';
import type { Transport } from './sdk.js';

/**
 * Over stdio the program comes once to where it serves, for the client that started it. In the service it goes on from
 * there anew for each client.
 */
const start = new ProgramStart<() => unknown>();

/** What serves one client. Over stdio it runs where it is called. */
export function perClient<Args extends unknown[], Result>(
  serve: (...args: Args) => Result,
): (...args: Args) => Result {
  return (...args) => {
    if (!start.handOver(() => serve(...args))) return serve(...args);
    // Who waits for it waits as long as the service runs.
    return new Promise(() => undefined) as Result;
  };
}

/** Starts the program. Resolves, as soon as it would serve, to what connects one client. */
export async function startProgram(
  load: () => Promise<unknown>,
  file?: string | URL,
): Promise<(transport: Transport) => Promise<void>> {
  const serve = await start.run(load, file);
  return (transport) => withTransport(transport, () => connected(transport, serve));
}

/** Serves one client; resolves when its transport is connected, and rejects when it is not going to be. */
function connected(transport: Transport, serve: () => unknown): Promise<void> {
  return new Promise((resolve, reject) => {
    let isConnected = false;
    const startTransport = transport.start.bind(transport);
    transport.start = async () => {
      await startTransport();
      isConnected = true;
      // After what the program does at once when it is connected.
      setImmediate(resolve);
    };
    const run = async (): Promise<void> => {
      await serve();
      const left = new Error('The program served without connecting its server');
      if (!isConnected) setTimeout(() => reject(left), 1000).unref();
    };
    run().catch((error: unknown) => {
      if (isConnected) throw error;
      reject(error);
    });
  });
}
