import type { IncomingHttpHeaders } from 'node:http';
import { type MessagePort, parentPort } from 'node:worker_threads';
import type { AuthInfo } from './feature.js';
import { codes, isRequest, type RpcId, type RpcMessage } from './json-rpc.js';
import { extraOf } from './message-origin.js';
import { keepParent, withholdListeners } from './process-guard.js';
import type { JSONRPCMessage, MessageExtraInfo, Transport, TransportSendOptions } from './sdk.js';
import { loadServerFactory, survivesExceptions } from './server-factory.js';
import { failCurrentRequest, SessionScope } from './session-scope.js';

/** What is known of the HTTP request that a message came with, as far as it can be sent to a worker. */
export interface MessageOrigin {
  readonly headers: IncomingHttpHeaders;
  readonly url: string;
  readonly method: string;
  readonly authInfo: (Omit<AuthInfo, 'resource'> & { readonly resource: string | undefined }) | undefined;
}

/** What the service says to a worker: build the server, a message of the client, or that the session is over. */
export type ToWorker = 'connect' | FromClient | 'end';

export interface FromClient {
  readonly message: RpcMessage | JSONRPCMessage;
  readonly origin: MessageOrigin | undefined;
}

/** What a worker says to the service. */
export type FromWorker =
  | 'loaded'
  | 'connected'
  | 'closed'
  | { readonly failed: string }
  | { readonly message: RpcMessage | JSONRPCMessage; readonly related: RpcId | undefined };

/** The SDK's `Transport` on the port of a worker. */
class PortTransport implements Transport {
  onclose?: () => void;
  onerror?: (error: Error) => void;
  onmessage?: (message: JSONRPCMessage, extra?: MessageExtraInfo) => void;
  readonly #port: MessagePort;
  #closed = false;

  constructor(port: MessagePort) {
    this.#port = port;
  }

  async start(): Promise<void> {}

  async send(message: JSONRPCMessage, options?: TransportSendOptions): Promise<void> {
    const sent: FromWorker = { message, related: options?.relatedRequestId };
    this.#port.postMessage(sent);
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    const said: FromWorker = 'closed';
    this.#port.postMessage(said);
    this.onclose?.();
  }
}

/** Loads the project's code and serves one client: what the program did over stdio, over the port. */
async function serve(port: MessagePort): Promise<void> {
  if (survivesExceptions) process.on('uncaughtException', (error) => console.error(error));
  process.on('unhandledRejection', (reason) => {
    console.error(reason);
    failCurrentRequest();
  });
  keepParent();
  const handlers = withholdListeners(() => undefined);
  const createServer = await loadServerFactory();
  const transport = new PortTransport(port);
  const scope = new SessionScope();
  const say = (message: FromWorker): void => port.postMessage(message);

  async function connect(): Promise<void> {
    try {
      const server = await createServer();
      await server.connect(transport);
      say('connected');
    } catch (error) {
      say({ failed: String((error as Error | undefined)?.stack ?? error) });
    }
  }

  function receive({ message, origin }: FromClient): void {
    const { id } = message as { id?: RpcId };
    const error = { code: codes.internal, message: 'Internal error' };
    const onRejection = (): void => {
      if (id !== undefined && isRequest(message as RpcMessage))
        say({ message: { jsonrpc: '2.0', id, error }, related: undefined });
    };
    scope.run(() => transport.onmessage?.(message as JSONRPCMessage, extraOf(origin)), { onRejection });
  }

  /** The session is over; over stdio the program would have been told by a signal. */
  async function end(): Promise<void> {
    await transport.close();
    await handlers.run(new Promise(() => undefined)).catch((error: unknown) => console.error(error));
    process.exit();
  }

  port.on('message', (message: ToWorker) => {
    if (message === 'connect') void scope.run(connect);
    else if (message === 'end') void end();
    else receive(message);
  });
  say('loaded');
}

if (!parentPort) throw new Error('This module runs in a worker, which the service starts');
void serve(parentPort);
