import { fileURLToPath } from 'node:url';
import { withTransport } from './client-transport.js';
import type { Transport } from './sdk.js';

/**
 * The program itself decides when it serves: a parser of its command line calls it back, say. Over stdio it comes
 * there once, for the client that started it. The service lets it come as far as that, and goes on from there anew for
 * each client.
 */

/** Takes over from a program that is about to serve; none over stdio. */
let takeOver: ((serve: () => unknown) => void) | undefined;

/** What serves one client. Over stdio it runs where it is called. */
export function perClient<Args extends unknown[], Result>(
  serve: (...args: Args) => Result,
): (...args: Args) => Result {
  return (...args) => {
    if (!takeOver) return serve(...args);
    takeOver(() => serve(...args));
    // Who waits for it waits as long as the service runs.
    return new Promise(() => undefined) as Result;
  };
}

/**
 * Starts the program. Resolves, as soon as it would serve, to what connects one client.
 *
 * @param load imports the program
 * @param file what the program is started as, which some compare with their own address
 */
export async function startProgram(
  load: () => Promise<unknown>,
  file?: string | URL,
): Promise<(transport: Transport) => Promise<void>> {
  if (file !== undefined) process.argv[1] = typeof file === 'string' ? file : fileURLToPath(file);
  const serve = await new Promise<() => unknown>((resolve, reject) => {
    takeOver = resolve;
    load().catch(reject);
    const late = new Error(
      'The program has not come to where it serves a client; does it need arguments? They follow main in "start:http".',
    );
    setTimeout(() => reject(late), 30_000).unref();
  });
  return (transport) => withTransport(transport, () => connected(transport, serve));
}

/** Serves one client; resolves when its transport is connected, and rejects when it is not going to be. */
function connected(transport: Transport, serve: () => unknown): Promise<void> {
  return new Promise((resolve, reject) => {
    let isConnected = false;
    const start = transport.start.bind(transport);
    transport.start = async () => {
      await start();
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
