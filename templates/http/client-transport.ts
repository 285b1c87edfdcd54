import { AsyncLocalStorage } from 'node:async_hooks';
import type { Transport } from './sdk.js';

/** The program makes its transport where nobody can hand it another: the service's is found here instead. */

const transports = new AsyncLocalStorage<Transport>();

/** The transport of the client that is served: over stdio, the program's own. */
export function clientTransport<T>(stdio: () => T): T {
  return (transports.getStore() as T | undefined) ?? stdio();
}

/** Lets the program connect its server to a client. Without a transport it makes its own, as over stdio. */
export function withTransport<T>(transport: Transport | undefined, connect: () => T): T {
  return transport ? transports.run(transport, connect) : connect();
}
