import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { ErrorRequestHandler, Express } from 'express';
import express from 'express';
import helmet from 'helmet';
import type { Logger } from 'pino';
import type { Feature } from './feature.js';
import type { Gate } from './gate.js';
import type { HealthReport } from './health.js';
import { codes, Refusal, refuse } from './json-rpc.js';
import type { Mcp } from './mcp.js';

export interface AppParts {
  readonly logger: Logger;
  readonly gate: Gate;
  readonly health: HealthReport;
  readonly mcp: Mcp;
  readonly features: readonly Feature[];
  readonly trustProxy: number;
}

/** The listener: `/mcp` goes straight to the protocol, everything else through Express. */
export function createListener(parts: AppParts): Server {
  const app = createApp(parts);
  const serve = (request: IncomingMessage, response: ServerResponse): void => {
    const path = request.url?.split('?', 1)[0];
    if (path === '/mcp' || path === '/mcp/') void parts.mcp.handle(request, response);
    else app(request, response);
  };
  // Without these a client that sends slowly holds its connection for minutes.
  const limits = { headersTimeout: 5_000, requestTimeout: 12_000, connectionsCheckingInterval: 1_000 };
  const listener = createServer({ ...limits, keepAliveTimeout: 65_000 }, serve);
  listener.on('clientError', answerBrokenRequest);
  return listener;
}

/** Everything beside `/mcp`. Routes of your own go where the comment says. */
function createApp({ logger, gate, health, features, trustProxy }: AppParts): Express {
  const app = express();
  app.disable('x-powered-by');
  app.set('trust proxy', trustProxy);
  app.use(helmet());
  // Probes come by address, not by name: they are asked before the Host is checked.
  health.mount(app);
  app.use((request, response, next) => {
    if (!gate.checkOrigin(request, response)) next();
  });
  for (const feature of features) feature.routes?.(app);
  // Your own routes: app.get('/…', …)
  app.use((_request, response) => {
    refuse(response, new Refusal(404, codes.refused, 'Not found; MCP is served at /mcp'));
  });
  const onError: ErrorRequestHandler = (error: unknown, _request, response, _next) => {
    const refusal = error instanceof Refusal ? error : new Refusal(500, codes.internal, 'Internal error');
    if (refusal !== error) logger.error({ err: error }, 'A request failed');
    refuse(response, refusal);
  };
  app.use(onError);
  return app;
}

const brokenRequests: Readonly<Record<string, { status: string; message: string }>> = {
  ERR_HTTP_REQUEST_TIMEOUT: { status: '408 Request Timeout', message: 'The request came too slowly' },
  HPE_HEADER_OVERFLOW: {
    status: '431 Request Header Fields Too Large',
    message: 'The headers are too large',
  },
};

/** A request that node:http cannot read never reaches the listener; it gets the same kind of answer. */
function answerBrokenRequest(error: NodeJS.ErrnoException, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  const known = brokenRequests[error.code ?? ''] ?? {
    status: '400 Bad Request',
    message: 'This is not valid HTTP',
  };
  const body = JSON.stringify({
    jsonrpc: '2.0',
    error: { code: codes.invalidRequest, message: known.message },
    id: null,
  });
  const head = `HTTP/1.1 ${known.status}\r\ncontent-type: application/json\r\ncontent-length: ${Buffer.byteLength(body)}\r\nconnection: close`;
  socket.end(`${head}\r\n\r\n${body}`, () => socket.destroy());
}
