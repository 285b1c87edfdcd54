import type { ServerResponse } from 'node:http';

/** JSON-RPC 2.0 as it travels over HTTP: what a body may hold, and how a refusal looks. */

export type RpcId = string | number;

export interface RpcRequest {
  jsonrpc: '2.0';
  id: RpcId;
  method: string;
  params?: { [key: string]: unknown };
}

export interface RpcNotification {
  jsonrpc: '2.0';
  method: string;
  params?: { [key: string]: unknown };
}

export interface RpcResult {
  jsonrpc: '2.0';
  id: RpcId;
  result: { [key: string]: unknown };
}

export interface RpcFailure {
  jsonrpc: '2.0';
  id: RpcId;
  error: { code: number; message: string; data?: unknown };
}

export type RpcResponse = RpcResult | RpcFailure;
export type RpcMessage = RpcRequest | RpcNotification | RpcResponse;

/** Asks for all tools, without a cursor or anything else that could make the answer another one. */
export const isWholeToolList = ({ method, params }: RpcRequest): boolean =>
  method === 'tools/list' && (params === undefined || Object.keys(params).length === 0);

/** Error codes of JSON-RPC and of the MCP specification's transports. */
export const codes = {
  parse: -32700,
  invalidRequest: -32600,
  internal: -32603,
  refused: -32000,
  sessionNotFound: -32001,
} as const;

/** An answer that is not a result: an HTTP status with a JSON-RPC error body. */
export class Refusal extends Error {
  readonly status: number;
  readonly code: number;
  readonly headers: Readonly<Record<string, string>>;

  constructor(status: number, code: number, message: string, headers: Readonly<Record<string, string>> = {}) {
    super(message);
    this.status = status;
    this.code = code;
    this.headers = headers;
  }
}

/** Answers with a refusal, unless an answer has already begun. `id` is the refused request's, when it is known. */
export function refuse(response: ServerResponse, refusal: Refusal, id: RpcId | null = null): void {
  if (response.headersSent) {
    response.end();
    return;
  }
  const error = { code: refusal.code, message: refusal.message };
  const body = JSON.stringify({ jsonrpc: '2.0', error, id });
  response.writeHead(refusal.status, { 'content-type': 'application/json', ...refusal.headers });
  response.end(body);
}

export const isRequest = (message: RpcMessage): message is RpcRequest =>
  'method' in message && 'id' in message;

export const isResponse = (message: RpcMessage): message is RpcResponse => !('method' in message);

/** Reads one JSON-RPC message. Throws a `Refusal` for anything else, batches included. */
export function parseMessage(body: string): RpcMessage {
  const message = parseJson(body);
  if (Array.isArray(message)) {
    throw new Refusal(400, codes.invalidRequest, 'Invalid Request: send one message per POST, not a batch');
  }
  if (!isMessage(message)) {
    throw new Refusal(400, codes.invalidRequest, 'Invalid Request: the body is not a JSON-RPC 2.0 message');
  }
  return message;
}

function parseJson(body: string): unknown {
  try {
    return mayNamePrototype.test(body) ? JSON.parse(body, dropPrototype) : JSON.parse(body);
  } catch {
    throw new Refusal(400, codes.parse, 'Parse error: the body is not valid JSON');
  }
}

/** A `__proto__` key, perhaps with letters escaped, would become the prototype of what a handler copies arguments into. */
const mayNamePrototype = /__proto__|\\u00[567]/i;

const dropPrototype = (key: string, value: unknown): unknown => (key === '__proto__' ? undefined : value);

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const isId = (value: unknown): value is RpcId =>
  typeof value === 'string' || (typeof value === 'number' && Number.isFinite(value));

function isMessage(value: unknown): value is RpcMessage {
  if (!isObject(value) || value['jsonrpc'] !== '2.0') return false;
  if ('id' in value && !isId(value['id'])) return false;
  if ('method' in value) {
    return (
      typeof value['method'] === 'string' && (value['params'] === undefined || isObject(value['params']))
    );
  }
  return 'id' in value && (isObject(value['result']) || isObject(value['error']));
}
