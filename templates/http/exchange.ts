import type { ServerResponse } from 'node:http';
import { type EventHistory, EventStream, type Tended, tend, untend } from './event-stream.js';
import { codes, Refusal, type RpcId, type RpcMessage, type RpcResponse, refuse } from './json-rpc.js';

export interface ExchangeOptions {
  readonly headers?: Readonly<Record<string, string>>;
  /** Makes the answer resumable once it has become a stream. */
  readonly history?: EventHistory | undefined;
  /** The client understands events without content (protocol 2025-11-25 and later). */
  readonly primed?: boolean;
}

/** After how long a client that polls should come back. */
const pollMs = 1000;
let exchanges = 0;

/**
 * One POSTed request and its answer: plain JSON, unless something has to be said before the result is there. Then it
 * becomes a stream of events that ends with the result.
 */
export class Exchange implements Tended {
  /** The client's id of the request. */
  readonly id: RpcId;
  readonly stream: EventStream;
  readonly #response: ServerResponse;
  readonly #options: ExchangeOptions;
  #streaming = false;
  #done = false;
  #slow = false;

  constructor(id: RpcId, response: ServerResponse, options: ExchangeOptions = {}) {
    this.id = id;
    this.#response = response;
    this.#options = options;
    this.stream = new EventStream(
      `r${process.pid.toString(36)}-${(++exchanges).toString(36)}`,
      options.history,
    );
    tend(this);
  }

  /** Sends a notification, or a request to the client, before the result. */
  send(message: RpcMessage): Promise<void> {
    this.#becomeStream();
    return this.stream.send(message);
  }

  /** Sends the result and ends the exchange. */
  answer(message: RpcResponse): void {
    if (!this.#finish()) return;
    if (this.#streaming) {
      void this.stream.send(message, true);
      this.stream.detach();
    } else {
      this.#endWith(JSON.stringify(message));
    }
  }

  /** The same for a result that is there as JSON text already. */
  answerText(result: string): void {
    if (this.#streaming) {
      this.answer({ jsonrpc: '2.0', id: this.id, result: JSON.parse(result) });
      return;
    }
    if (!this.#finish()) return;
    this.#endWith(`{"jsonrpc":"2.0","id":${JSON.stringify(this.id)},"result":${result}}`);
  }

  /** Something went wrong on our side: JSON-RPC error, status 500 while a status can still be sent. */
  fail(message: string): void {
    if (this.#streaming) {
      this.answer({ jsonrpc: '2.0', id: this.id, error: { code: codes.internal, message } });
    } else if (this.#finish()) {
      refuse(this.#response, new Refusal(500, codes.internal, message), this.id);
    }
  }

  /** Ends the exchange without a result: the client has cancelled its request. */
  abandon(): void {
    if (!this.#finish()) return;
    if (this.#streaming) this.stream.detach();
    else if (!this.#response.destroyed) this.#response.writeHead(202).end();
  }

  /** Lets the client go and come back for the rest (it polls). */
  pause(): void {
    this.#becomeStream(pollMs);
    this.stream.detach(`retry: ${pollMs}\n\n`);
  }

  /** Proxies in between would give up on an answer that is silent for long. */
  tend(): void {
    if (this.#slow) this.#becomeStream();
    this.#slow = true;
  }

  #finish(): boolean {
    if (this.#done) return false;
    this.#done = true;
    untend(this);
    return true;
  }

  #becomeStream(retryMs?: number): void {
    if (this.#streaming || this.#done) return;
    this.#streaming = true;
    untend(this);
    if (this.#response.destroyed) return;
    this.stream.attach(this.#response, this.#options.headers);
    if (this.#options.primed) this.stream.prime(retryMs);
  }

  #endWith(body: string): void {
    if (this.#response.destroyed) return;
    this.#response.writeHead(200, {
      'content-type': 'application/json',
      'content-length': Buffer.byteLength(body),
      ...this.#options.headers,
    });
    this.#response.end(body);
  }
}
