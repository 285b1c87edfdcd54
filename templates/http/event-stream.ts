import { randomBytes } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import type { StreamEvent } from './feature.js';
import type { RpcMessage } from './json-rpc.js';

const keepAliveMs = 15_000;
/** A reader that takes nothing for this long is cut off; it may resume. */
const stalledMs = 30_000;

const sseHeaders = {
  'content-type': 'text/event-stream',
  'cache-control': 'no-cache, no-transform',
  // Reverse proxies pass events on at once.
  'x-accel-buffering': 'no',
};

/** Whatever has to be looked after while it is open: silent streams and answers that take long. */
export interface Tended {
  /** Called every 15 seconds. */
  tend(): void;
}

const tended = new Set<Tended>();
let timer: NodeJS.Timeout | undefined;

/** Keeps `open` looked after until `untend`; one timer serves all, and none runs when nothing is open. */
export function tend(open: Tended): void {
  tended.add(open);
  timer ??= setInterval(() => {
    for (const each of tended) each.tend();
    if (tended.size > 0) return;
    clearInterval(timer);
    timer = undefined;
  }, keepAliveMs).unref();
}

export const untend = (open: Tended): void => {
  tended.delete(open);
};

/** What a session's clients may still ask for again, bounded; the oldest goes first. */
export class EventHistory {
  readonly #events: StreamEvent[] = [];
  // Another replica may carry the session on: its events must not be taken for ours.
  readonly #tag = randomBytes(3).toString('hex');
  readonly #onEvent: ((event: StreamEvent) => void) | undefined;
  #bytes = 0;
  #last = 0;

  /** `onEvent` learns of every event, for a store that other replicas read. */
  constructor(onEvent?: (event: StreamEvent) => void) {
    this.#onEvent = onEvent;
  }

  add(stream: string, data: string, final: boolean): StreamEvent {
    const event = { id: `${stream}_${this.#tag}${++this.#last}`, stream, data, final };
    this.#events.push(event);
    this.#bytes += data.length;
    while (this.#events.length > 1 && (this.#events.length > 1000 || this.#bytes > 4 * 1024 * 1024)) {
      this.#bytes -= this.#events.shift()?.data.length ?? 0;
    }
    this.#onEvent?.(event);
    return event;
  }

  /** The events after `id` on its stream, or undefined when `id` is not known (any more). */
  after(id: string): { stream: string; events: StreamEvent[] } | undefined {
    const index = this.#events.findIndex((event) => event.id === id);
    const stream = this.#events[index]?.stream;
    if (stream === undefined) return undefined;
    return { stream, events: this.#events.slice(index + 1).filter((event) => event.stream === stream) };
  }

  clear(): void {
    this.#events.length = 0;
    this.#bytes = 0;
  }
}

/** One stream of server-sent events. With a history it survives its connection: the client may come back for the rest. */
export class EventStream implements Tended {
  readonly name: string;
  readonly #history: EventHistory | undefined;
  /** Sent while nobody was reading. */
  readonly #waiting: StreamEvent[] = [];
  #response: ServerResponse | undefined;
  #blockedSince = 0;

  constructor(name: string, history?: EventHistory) {
    this.name = name;
    this.#history = history;
  }

  /** Is somebody reading? */
  get attached(): boolean {
    return this.#response !== undefined;
  }

  /** Sends events to `response` from now on; a reader from before is let go. */
  attach(response: ServerResponse, headers: Readonly<Record<string, string>> = {}): void {
    this.detach();
    this.#response = response;
    this.#blockedSince = 0;
    response.socket?.setNoDelay(true);
    if (!response.headersSent) response.writeHead(200, { ...sseHeaders, ...headers });
    response.flushHeaders();
    response.once('close', () => {
      if (this.#response === response) this.#forget();
    });
    tend(this);
  }

  /** An event without content, so that the client has an id to resume from. */
  prime(retryMs?: number): void {
    if (!this.#history) return;
    const { id } = this.#history.add(this.name, '', false);
    this.#response?.write(`id: ${id}\n${retryMs === undefined ? '' : `retry: ${retryMs}\n`}data: \n\n`);
  }

  /** Sends a message; resolves when the reader has room for more. */
  async send(message: RpcMessage, final = false): Promise<void> {
    const data = JSON.stringify(message);
    const event = this.#history?.add(this.name, data, final);
    if (this.#response) await this.#write(event?.id, data);
    else if (event && this.#waiting.push(event) > 1000) this.#waiting.shift();
  }

  /** Sends what nobody has read yet, or else `events`, which the reader says it has missed. */
  catchUp(events: readonly StreamEvent[] = this.#waiting): void {
    for (const event of [...events]) {
      if (event.data !== '') void this.#write(event.id, event.data);
    }
    this.#waiting.length = 0;
  }

  /** Ends the connection; the client may come back if there is a history. */
  detach(farewell = ''): void {
    const response = this.#response;
    this.#forget();
    if (response && !response.writableEnded) response.end(farewell);
  }

  tend(): void {
    if (this.#blockedSince > 0 && Date.now() - this.#blockedSince > stalledMs) this.#response?.destroy();
    else if (this.#blockedSince === 0) this.#response?.write(': keep-alive\n\n');
  }

  #forget(): void {
    untend(this);
    this.#response = undefined;
  }

  async #write(id: string | undefined, data: string): Promise<void> {
    const response = this.#response;
    if (!response || response.destroyed) return;
    const room = response.write(`${id === undefined ? '' : `id: ${id}\n`}event: message\ndata: ${data}\n\n`);
    if (room) return;
    this.#blockedSince ||= Date.now();
    await new Promise<void>((resolve) => {
      const go = (): void => {
        response.off('drain', go);
        response.off('close', go);
        this.#blockedSince = 0;
        resolve();
      };
      response.on('drain', go);
      response.on('close', go);
    });
  }
}
