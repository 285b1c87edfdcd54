import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from 'pino';
import type { Config } from './config.js';
import type { Call, Caller, CallStatus, Feature } from './feature.js';
import type { Gate } from './gate.js';
import {
  codes,
  parseMessage,
  Refusal,
  type RpcMessage,
  type RpcRequest,
  type RpcResponse,
  refuse,
} from './json-rpc.js';
import { logCall } from './logger.js';
import type { ServerFactory } from './server-factory.js';

/** An HTTP request to `/mcp` that has passed the gate. */
export interface Visit {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly caller: Caller;
  readonly requestId: string;
}

/** What answers behind `/mcp`: fresh servers (`stateless.ts`) or one per session (`stateful.ts`). */
export interface Endpoint {
  /** Answers a POSTed message. Throws a `Refusal`. */
  post(visit: Visit, message: RpcMessage, body: string): Promise<void>;
  /** Opens, or resumes, a stream of what the server says on its own. Absent: 405. */
  get?(visit: Visit): Promise<void>;
  /** Ends a session. Absent: 405. */
  delete?(visit: Visit): Promise<void>;
  readonly sessions: number;
  readonly streams: number;
  /** From now on no sessions are opened, and streams end. */
  drain(): void;
  close(): Promise<void>;
}

/** How the service gets its servers. */
export interface Servers {
  readonly createServer: ServerFactory;
  /** Ends what they have of their own. */
  close?(): Promise<void>;
}

/** Loads the project's code. */
export type ServerLoader = (context: Pick<EndpointContext, 'config' | 'logger'>) => Promise<Servers>;

export interface EndpointContext {
  readonly config: Config;
  readonly logger: Logger;
  readonly features: readonly Feature[];
  readonly createServer: ServerFactory;
  /** Runs a call through the features that wrap it, and reports it. */
  readonly runCall: (call: Call, next: () => Promise<RpcResponse>) => Promise<RpcResponse>;
}

/** `/mcp`: from a node:http request to the endpoint and back; every way it can go wrong ends in a JSON-RPC error. */
export class Mcp {
  readonly #config: Config;
  readonly #logger: Logger;
  readonly #gate: Gate;
  readonly #endpoint: Endpoint;
  readonly #listeners: readonly Feature[];
  #inFlight = 0;
  #idle: (() => void) | undefined;

  constructor(
    { config, logger, features }: Pick<EndpointContext, 'config' | 'logger' | 'features'>,
    gate: Gate,
    endpoint: Endpoint,
  ) {
    this.#config = config;
    this.#logger = logger;
    this.#gate = gate;
    this.#endpoint = endpoint;
    this.#listeners = features.filter((feature) => feature.responded);
  }

  get inFlight(): number {
    return this.#inFlight;
  }

  /** Answers one HTTP request; never rejects. */
  async handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    this.#inFlight++;
    // Written to after its client has left, a response emits an error; that is no news.
    response.on('error', () => undefined);
    if (this.#listeners.length > 0) this.#report(response);
    try {
      await this.#answer(request, response);
    } catch (error) {
      if (error instanceof Refusal) refuse(response, error);
      else if (!response.destroyed) {
        this.#logger.error({ err: error }, 'A request to /mcp failed');
        refuse(response, new Refusal(500, codes.internal, 'Internal error'));
      }
    } finally {
      this.#inFlight--;
      if (this.#inFlight === 0) this.#idle?.();
    }
  }

  /** Resolves when no request is being answered. */
  async idle(): Promise<void> {
    if (this.#inFlight === 0) return;
    await new Promise<void>((resolve) => {
      this.#idle = resolve;
    });
  }

  #report(response: ServerResponse): void {
    const started = performance.now();
    response.once('close', () => {
      const milliseconds = performance.now() - started;
      for (const feature of this.#listeners) feature.responded?.(response.statusCode, milliseconds);
    });
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const limit = this.#config.MAX_BODY_BYTES;
    if (Number(request.headers['content-length'] ?? 0) > limit) throw await tooLarge(request, limit);
    const caller = await this.#gate.pass(request, response);
    if (!caller) return;
    const visit: Visit = { request, response, caller, requestId: requestIdOf(request) };
    const endpoint = this.#endpoint;
    if (request.method === 'POST') {
      requireContent(request);
      const body = await readBody(request, limit);
      await endpoint.post(visit, parseMessage(body), body);
    } else if (request.method === 'GET' && endpoint.get) {
      if (!accepts(request, 'text/event-stream'))
        throw new Refusal(406, codes.refused, 'Not Acceptable: the answer is text/event-stream');
      await endpoint.get(visit);
    } else if (request.method === 'DELETE' && endpoint.delete) {
      await endpoint.delete(visit);
    } else {
      const allow = ['POST', ...(endpoint.get ? ['GET'] : []), ...(endpoint.delete ? ['DELETE'] : [])].join(
        ', ',
      );
      throw new Refusal(405, codes.refused, `Method not allowed; use ${allow}`, { allow });
    }
  }
}

/** The pipeline of a call: features around it, then a log line and the features that observe. */
export function callRunner(features: readonly Feature[], logger: Logger): EndpointContext['runCall'] {
  const around = features.filter((feature) => feature.around);
  const observers = features.filter((feature) => feature.observe);
  return async (call, next) => {
    const started = performance.now();
    const run = around.reduceRight<() => Promise<RpcResponse>>(
      (inner, feature) => () => feature.around?.(call, inner) ?? inner(),
      next,
    );
    const report = (status: CallStatus): void => {
      const milliseconds = performance.now() - started;
      logCall(logger, call, status, milliseconds);
      for (const feature of observers) feature.observe?.(call, status, milliseconds);
    };
    try {
      const response = await run();
      report(statusOf(response));
      return response;
    } catch (error) {
      report('error');
      throw error;
    }
  };
}

function statusOf(response: RpcResponse): CallStatus {
  if ('error' in response) return 'error';
  return response.result['isError'] === true ? 'tool_error' : 'ok';
}

/** Says which version of the protocol the client speaks; refuses one that the server does not know. */
export function requireVersion(request: IncomingMessage, supported: readonly string[]): void {
  const version = request.headers['mcp-protocol-version'];
  if (version === undefined || supported.includes(String(version))) return;
  throw new Refusal(
    400,
    codes.refused,
    `Unsupported protocol version: ${version}; supported: ${supported.join(', ')}`,
  );
}

/** The call that a POSTed request makes. */
export const callOf = (visit: Visit, request: RpcRequest, sessionId?: string, clientName?: string): Call => ({
  request,
  caller: visit.caller,
  requestId: visit.requestId,
  sessionId,
  clientName,
});

function requestIdOf(request: IncomingMessage): string {
  const given = request.headers['x-request-id'];
  return typeof given === 'string' && /^[\w.:-]{1,128}$/.test(given) ? given : randomUUID();
}

function accepts(request: IncomingMessage, type: string): boolean {
  const accept = request.headers.accept ?? '';
  return accept.includes(type) || accept.includes('*/*') || accept.includes(`${type.split('/')[0]}/*`);
}

function requireContent(request: IncomingMessage): void {
  if (!accepts(request, 'application/json') || !accepts(request, 'text/event-stream')) {
    throw new Refusal(
      406,
      codes.refused,
      'Not Acceptable: accept both application/json and text/event-stream',
    );
  }
  if (!/^application\/json\s*(;|$)/i.test(request.headers['content-type'] ?? '')) {
    throw new Refusal(415, codes.refused, 'Unsupported Media Type: send application/json');
  }
}

/** The refusal of a body over the limit, once the client had a moment to send it: before, it would not see an answer. */
async function tooLarge(request: IncomingMessage, limit: number): Promise<Refusal> {
  const gone = new AbortController();
  for (const event of ['end', 'close']) request.once(event, () => gone.abort());
  request.resume();
  await sleep(2000, undefined, { signal: gone.signal }).catch(() => undefined);
  return new Refusal(413, codes.refused, `Payload Too Large: at most ${limit} bytes`, {
    connection: 'close',
  });
}

function readBody(request: IncomingMessage, limit: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    request.on('data', (chunk: Buffer) => {
      size += chunk.length;
      if (size <= limit) {
        chunks.push(chunk);
        return;
      }
      request.removeAllListeners('data');
      tooLarge(request, limit).then(reject, reject);
    });
    request.once('end', () => {
      if (size > limit) return;
      const [first] = chunks;
      resolve(chunks.length === 1 && first ? first.toString('utf8') : Buffer.concat(chunks).toString('utf8'));
    });
    request.once('error', reject);
    request.once('close', () => {
      if (!request.complete) reject(new Refusal(400, codes.parse, 'The body ended early'));
    });
  });
}
