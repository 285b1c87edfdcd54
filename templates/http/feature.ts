import type { IncomingMessage, ServerResponse } from 'node:http';
import type { URL } from 'node:url';
import type { Express } from 'express';
import type { Logger } from 'pino';
import type { Config } from './config.js';
import type { Refusal, RpcRequest, RpcResponse } from './json-rpc.js';

/** What was proven about a caller's token; reaches handlers as `extra.authInfo`. */
export interface AuthInfo {
  token: string;
  clientId: string;
  scopes: string[];
  expiresAt?: number;
  resource?: URL;
  extra?: Record<string, unknown>;
}

/** Values that a caller sends in place of variables of the environment. */
export interface SentCredentials {
  readonly values: ReadonlyMap<string, string | undefined>;
  /** Tells callers with different values apart, and does not reveal them. */
  readonly fingerprint: string;
}

/** Who is calling. */
export interface Caller {
  /** The authenticated subject; sessions and limits belong to it. */
  subject?: string;
  authInfo?: AuthInfo;
  credentials?: SentCredentials;
  /** Address of the client, proxies seen through as far as TRUST_PROXY allows. */
  readonly address: string;
}

/** One JSON-RPC request on its way to the server. */
export interface Call {
  readonly request: RpcRequest;
  readonly caller: Caller;
  /** Names this HTTP request in the logs: the caller's `x-request-id`, or one of our own. */
  readonly requestId: string;
  readonly sessionId: string | undefined;
  /** Name of the client program, where a session knows it. */
  readonly clientName: string | undefined;
}

/** How a call ended: `tool_error` is a result that says `isError`. */
export type CallStatus = 'ok' | 'tool_error' | 'error';

/** Something a feature measures when it is asked, for metrics. */
export interface Measurement {
  readonly name: string;
  readonly help: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly value: number;
}

/** Numbers about the running service, for metrics and for what a forced shutdown leaves open. */
export interface Gauges {
  /** What `/readyz` would say. */
  readonly ready: boolean;
  readonly inFlight: number;
  readonly sessions: number;
  readonly streams: number;
}

export interface FeatureContext {
  readonly config: Config;
  readonly logger: Logger;
  readonly gauges: () => Gauges;
  /** What all features measure at this moment. */
  readonly measure: () => readonly Measurement[];
}

/** Where sessions are made known to other replicas, so that one of them can carry on with a session. */
export interface SessionRegistry {
  /** A session was opened by `initialize` here. */
  register(id: string, record: SessionRecord): Promise<void>;
  /** What is known of a session that is not open here. */
  find(id: string): Promise<SessionRecord | undefined>;
  /** The session was used; it lives on for another SESSION_TTL_MS. */
  touch(id: string): void;
  remove(id: string): Promise<void>;
  /** An event of a session's stream was sent (or kept for later). */
  record(sessionId: string, event: StreamEvent): void;
  /**
   * Sends the events after `lastEventId` of the stream that it belongs to, in order, and then follows what is added
   * to it by whichever replica, until `signal` aborts or the stream's last event (`final`) was sent. Resolves when
   * the replay has begun: false when the id is not known.
   */
  replay(sessionId: string, lastEventId: string, reader: EventReader, signal: AbortSignal): Promise<boolean>;
}

/** Where replayed events go. */
export interface EventReader {
  /** The stream is known; its events follow, perhaps not at once. */
  begin(): void;
  send(event: StreamEvent): void;
  /** The stream is complete. */
  end(): void;
}

export interface SessionRecord {
  readonly initialize: RpcRequest;
  readonly owner: SessionOwner;
}

/** Whose a session is: nobody else may use it. */
export interface SessionOwner {
  readonly subject?: string | undefined;
  /** Fingerprint of the credentials that it was opened with. */
  readonly credentials?: string | undefined;
}

export interface StreamEvent {
  readonly id: string;
  readonly stream: string;
  /** The JSON-RPC message; empty for an event that only gives the client an id to resume from. */
  readonly data: string;
  readonly final: boolean;
}

/**
 * A part of the service that is there when it was chosen. Everything is optional; features are asked in the order
 * of `features.ts` and closed in the reverse order.
 */
export interface Feature {
  readonly name: string;
  /** Proves who calls, or refuses; the first feature that has this decides. */
  authenticate?(request: IncomingMessage, caller: Caller): Caller | Refusal | Promise<Caller | Refusal>;
  /** Adds to what is known of the caller, or refuses. */
  identify?(request: IncomingMessage, caller: Caller): Caller | Refusal;
  /** May the caller go on? Headers that tell it where it stands are set on the response. */
  admit?(caller: Caller, response: ServerResponse): Refusal | undefined | Promise<Refusal | undefined>;
  /** Wraps a call: `next` hands it to the server. */
  around?(call: Call, next: () => Promise<RpcResponse>): Promise<RpcResponse>;
  /** A call has been answered. */
  observe?(call: Call, status: CallStatus, milliseconds: number): void;
  /** Blots out of a line what must not be logged. */
  redact?(line: string): string;
  /** An HTTP request to `/mcp` has been answered, or its client has left. */
  responded?(status: number, milliseconds: number): void;
  measure?(): readonly Measurement[];
  /** Rejects, within a second, with the reason why requests should go elsewhere. */
  ready?(): Promise<void>;
  /** Adds routes beside `/mcp`. */
  routes?(app: Express): void;
  readonly sessionRegistry?: SessionRegistry;
  /** Releases what the feature holds, after the last request. */
  close?(): void | Promise<void>;
}

export type FeatureFactory = (context: FeatureContext) => Feature | Promise<Feature>;

/** Fills in values of the environment before it is validated; resolves to the names of what is secret from then on. */
export type EnvironmentResolver = (environment: NodeJS.ProcessEnv) => Promise<readonly string[]>;
