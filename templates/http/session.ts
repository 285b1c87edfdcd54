import { EventHistory, EventStream } from './event-stream.js';
import type { Exchange } from './exchange.js';
import type { Caller, EventReader, SessionOwner, SessionRegistry, StreamEvent } from './feature.js';
import {
  codes,
  isWholeToolList,
  Refusal,
  type RpcMessage,
  type RpcRequest,
  type RpcResponse,
} from './json-rpc.js';
import type { Visit } from './mcp.js';
import type { MessageExtraInfo } from './sdk.js';
import { fixedTools, type ServerFactory } from './server-factory.js';
import { release, SessionResources } from './session-resources.js';
import { SessionScope } from './session-scope.js';
import { HttpTransport, type Route } from './transport.js';

/** The latest list of tools as JSON text: sessions with the same list keep one text. */
let latestToolList = '';

/** One client's server, with everything that is the client's alone. Gone without a trace when it ends. */
export class Session {
  readonly id: string;
  readonly owner: SessionOwner;
  readonly clientName: string | undefined;
  readonly scope: SessionScope;
  readonly history: EventHistory;
  /** What the server says outside of any request; it waits for a reader. */
  readonly standalone: EventStream;
  readonly transport: HttpTransport;
  readonly #initialize: RpcRequest;
  /** Answers that are not complete, by the name of their stream. */
  readonly #open = new Map<string, Exchange>();
  #used = Date.now();
  #toolList: string | undefined;
  #toolListChanges = 0;
  #phase: 'opening' | 'opened' | 'used' = 'opening';

  constructor(
    id: string,
    caller: Caller,
    initialize: RpcRequest,
    onEnd: (session: Session) => void,
    onEvent: ((event: StreamEvent) => void) | undefined,
  ) {
    this.id = id;
    this.owner = ownerOf(caller);
    this.scope = new SessionScope(caller.credentials?.values, () => void this.close());
    this.scope.resources = new SessionResources();
    this.#initialize = initialize;
    const info = initialize.params?.['clientInfo'] as { name?: unknown } | undefined;
    this.clientName = typeof info?.name === 'string' ? info.name : undefined;
    this.history = new EventHistory(onEvent);
    this.standalone = new EventStream('s', this.history);
    const route: Route = (message, exchange) => {
      if (message.method === 'notifications/tools/list_changed') {
        this.#toolListChanges++;
        this.#toolList = undefined;
      }
      return exchange ? exchange.send(message) : this.standalone.send(message);
    };
    this.transport = new HttpTransport(route, () => onEnd(this), id);
  }

  /** Builds the session's server, in the session's scope. */
  async connect(createServer: ServerFactory): Promise<void> {
    await this.scope.run(async () => {
      const server = await createServer();
      await server.connect(this.transport);
    });
  }

  /** Brings a rebuilt server to where the client left the one before: initialized. */
  async replayInitialize(): Promise<void> {
    await this.scope.run(async () => {
      await this.transport.request({ ...this.#initialize, id: 'handed-off' }, undefined, {});
      this.transport.notify({ jsonrpc: '2.0', method: 'notifications/initialized' }, {});
    });
  }

  /** Hands a request to the server. */
  async request(message: RpcRequest, exchange: Exchange, extra: MessageExtraInfo): Promise<RpcResponse> {
    const changes = this.#toolListChanges;
    return this.scope.run(async () => {
      const response = await this.transport.request(message, exchange, extra);
      if (fixedTools && isWholeToolList(message) && 'result' in response && changes === this.#toolListChanges)
        this.#keepToolList(JSON.stringify(response.result));
      if (message.method === 'logging/setLevel' && 'result' in response) await this.#repeatUnnamed(message);
      this.#phase = message.method === 'initialize' ? 'opened' : 'used';
      return response;
    });
  }

  /** Hands over what wants no answer: a notification, or the client's own answer. */
  notify(message: RpcMessage, extra: MessageExtraInfo): void {
    if (!('method' in message) || message.method !== 'notifications/initialized') this.#phase = 'used';
    this.scope.run(() => this.transport.notify(message, extra));
  }

  /**
   * The SDK files a log level under the session's id, but looks it up under none when the server logs without naming
   * a session, as stdio servers do.
   */
  async #repeatUnnamed(message: RpcRequest): Promise<void> {
    delete this.transport.sessionId;
    const repeated = this.transport.request({ ...message, id: `${message.id} again` }, undefined, {});
    this.transport.sessionId = this.id;
    await repeated;
  }

  /** The result of `tools/list` as JSON text, from the first answer until the server says that it has changed. */
  get toolList(): string | undefined {
    return this.#toolList;
  }

  #keepToolList(text: string): void {
    if (text !== latestToolList) latestToolList = text;
    this.#toolList = latestToolList;
  }

  touch(): void {
    this.#used = Date.now();
  }

  /** Has its client done no more than open it? Built anew it would be the same. */
  get pristine(): boolean {
    return this.#phase === 'opened' && this.#open.size === 0 && !this.standalone.attached;
  }

  /** Since when nobody has been there, in milliseconds since 1970; now, while somebody is. */
  get idleSince(): number {
    return this.#open.size > 0 || this.standalone.attached ? Date.now() : this.#used;
  }

  /** Does the client know what to do with an event that has no content? (protocol 2025-11-25) */
  resumable(header: string | string[] | undefined): boolean {
    const version = header ?? this.#initialize.params?.['protocolVersion'];
    return typeof version === 'string' && version >= '2025-11-25';
  }

  /** An answer has begun; the returned function says that it is complete. */
  enter(exchange: Exchange): () => void {
    this.#open.set(exchange.stream.name, exchange);
    return () => {
      this.#open.delete(exchange.stream.name);
      this.touch();
    };
  }

  /** Answers a GET: what waits for the client, or what it missed of a stream. Throws a `Refusal`. */
  async stream({ request, response }: Visit, registry: SessionRegistry | undefined): Promise<void> {
    const headers = { 'mcp-session-id': this.id };
    const lastId = request.headers['last-event-id'];
    if (typeof lastId !== 'string' || lastId === '') {
      if (this.standalone.attached)
        throw new Refusal(409, codes.refused, 'Conflict: this session has a stream already');
      this.standalone.attach(response, headers);
      this.standalone.catchUp();
      return;
    }
    const missed = this.history.after(lastId);
    if (missed) {
      const live = missed.stream === 's' ? this.standalone : this.#open.get(missed.stream)?.stream;
      const stream = live ?? new EventStream(missed.stream);
      stream.attach(response, headers);
      stream.catchUp(missed.events);
      if (!live) stream.detach();
      return;
    }
    const gone = new AbortController();
    response.once('close', () => gone.abort());
    // Another replica keeps the events, and may still add to them.
    if (await registry?.replay(this.id, lastId, readerOf(response, headers), gone.signal)) return;
    throw new Refusal(400, codes.refused, 'Bad Request: this Last-Event-ID is not known');
  }

  /** Ends the session: the server sees its connection close. */
  async close(): Promise<void> {
    await this.transport.close();
  }

  /** Lets go of everything that was the client's. */
  dispose(): void {
    this.standalone.detach();
    this.history.clear();
    this.scope.end(release);
  }
}

/** Whose a session is that this caller opens. */
export const ownerOf = ({ subject, credentials }: Caller): SessionOwner => ({
  subject,
  credentials: credentials?.fingerprint,
});

function readerOf(response: Visit['response'], headers: Record<string, string>): EventReader {
  const stream = new EventStream('replay');
  return {
    begin: () => stream.attach(response, headers),
    send: (event) => stream.catchUp([event]),
    end: () => stream.detach(),
  };
}
