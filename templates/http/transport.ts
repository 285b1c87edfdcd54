import type { Exchange } from './exchange.js';
import {
  codes,
  isResponse,
  type RpcId,
  type RpcMessage,
  type RpcNotification,
  type RpcRequest,
  type RpcResponse,
} from './json-rpc.js';
import type { JSONRPCMessage, MessageExtraInfo, Transport, TransportSendOptions } from './sdk.js';
import { currentScope, type SessionScope } from './session-scope.js';

/** A request that the server has not answered yet. */
export interface Pending {
  readonly exchange: Exchange | undefined;
  /** In whose name it is handled. */
  readonly scope: SessionScope | undefined;
  readonly settle: (response: RpcResponse) => void;
}

/**
 * Sends on what the server says on its own: a notification or a request to the client. `exchange` is that of the
 * request it belongs to, when the server said so; `pending` is everything in flight.
 */
export type Route = (
  message: RpcRequest | RpcNotification,
  exchange: Exchange | undefined,
  pending: Iterable<Pending>,
) => Promise<void>;

/**
 * The SDK's `Transport` on plain node:http. The official one converts every message to web streams and back, which
 * costs several times what a tool call does.
 */
export class HttpTransport implements Transport {
  onclose?: () => void;
  onerror?: (error: Error) => void;
  onmessage?: (message: JSONRPCMessage, extra?: MessageExtraInfo) => void;
  sessionId?: string;

  readonly #pending = new Map<RpcId, Pending>();
  readonly #route: Route;
  readonly #onEnd: () => void;
  #closed = false;

  /** @param onEnd called when the connection has ended; `onclose` is the server's, and servers put their own in its place */
  constructor(route: Route, onEnd: () => void, sessionId?: string) {
    this.#route = route;
    this.#onEnd = onEnd;
    if (sessionId !== undefined) this.sessionId = sessionId;
  }

  async start(): Promise<void> {}

  /** Is a request with this id being answered? */
  has(id: RpcId): boolean {
    return this.#pending.has(id);
  }

  /** Hands a request to the server and waits for its response. What the server says meanwhile goes to `exchange`. */
  request(
    message: RpcRequest,
    exchange: Exchange | undefined,
    extra: MessageExtraInfo,
  ): Promise<RpcResponse> {
    return new Promise((settle, reject) => {
      const scope = currentScope();
      this.#pending.set(message.id, { exchange, scope, settle });
      const deliver = (): void => this.#deliver(message, extra);
      try {
        const onRejection = (): void => this.#fail(message.id, codes.internal, 'Internal error');
        if (scope) scope.run(deliver, { onRejection });
        else deliver();
      } catch (error) {
        this.#pending.delete(message.id);
        reject(error);
      }
    });
  }

  /** Hands a notification, or the client's response to a request of ours, to the server. */
  notify(message: RpcMessage, extra: MessageExtraInfo): void {
    this.#deliver(message, extra);
    if ('method' in message && message.method === 'notifications/cancelled')
      this.#cancel(message.params?.['requestId']);
  }

  async send(sent: JSONRPCMessage, options?: TransportSendOptions): Promise<void> {
    const message = sent as RpcMessage;
    if (isResponse(message)) {
      const pending = this.#pending.get(message.id);
      this.#pending.delete(message.id);
      pending?.settle(message);
      return;
    }
    const related = options?.relatedRequestId;
    const exchange = related === undefined ? undefined : this.#pending.get(related)?.exchange;
    if (!this.#closed) await this.#route(message, exchange, this.#pending.values());
  }

  /** Ends the connection; requests without an answer get an error instead of waiting for ever. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    for (const id of this.#pending.keys()) this.#fail(id, codes.refused, 'The connection was closed');
    this.#onEnd();
    this.onclose?.();
  }

  /** A cancelled request gets no answer from the SDK, and must not get one (specification, cancellation). */
  #cancel(id: unknown): void {
    this.#pending.get(id as RpcId)?.exchange?.abandon();
    this.#fail(id as RpcId, codes.refused, 'Cancelled by the client');
  }

  /** Answers a request in the server's place; what the server itself may still say to it is dropped. */
  #fail(id: RpcId, code: number, message: string): void {
    const pending = this.#pending.get(id);
    this.#pending.delete(id);
    pending?.settle({ jsonrpc: '2.0', id, error: { code, message } });
  }

  #deliver(message: RpcMessage, extra: MessageExtraInfo): void {
    this.onmessage?.(message as JSONRPCMessage, extra);
  }
}
