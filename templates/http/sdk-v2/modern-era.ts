import type { ServerResponse } from 'node:http';
import { createMcpHandler, isLegacyRequest, PROTOCOL_VERSION_META_KEY } from '@modelcontextprotocol/server';
import { codes, isRequest, type RpcMessage, type RpcResponse } from './json-rpc.js';
import { callOf, type Endpoint, type EndpointContext, type Visit } from './mcp.js';
import { webRequest } from './sdk.js';
import { release, SessionResources } from './session-resources.js';
import { currentScope, SessionScope } from './session-scope.js';

type CreateEndpoint = (context: EndpointContext) => Endpoint;

/**
 * Serves the protocol revision 2026-07-28, where every request stands alone, in front of an endpoint for the
 * revisions before it. Both get their servers from the same factory.
 */
export const withModernEra =
  (createLegacy: CreateEndpoint): CreateEndpoint =>
  (context) => {
    const { createServer, logger, runCall } = context;
    const legacy = createLegacy(context);
    const handler = createMcpHandler((request) => build(() => createServer(request)), {
      legacy: 'reject',
      onerror: (error) => logger.debug({ err: error }, 'A request was refused by the SDK'),
    });
    /** Streams of `subscriptions/listen`: open until one side ends them. */
    const subscriptions = new Set<AbortController>();

    /** Answers through the SDK. Resolves to the JSON-RPC response, when there was one. */
    async function serve(
      visit: Visit,
      message: RpcMessage,
      gone: AbortController,
    ): Promise<RpcResponse | undefined> {
      const { response, caller } = visit;
      // In this revision a client cancels its request by closing the stream.
      response.once('close', () => gone.abort());
      const { authInfo } = caller;
      const options = { parsedBody: message, ...(authInfo && { authInfo }) };
      const answer = await handler.fetch(webRequest(visit, gone.signal), options);
      return forward(answer, response);
    }

    async function listen(visit: Visit, message: RpcMessage): Promise<void> {
      const gone = new AbortController();
      subscriptions.add(gone);
      const scope = scopeOf(visit, gone);
      try {
        await scope.run(() => serve(visit, message, gone));
      } finally {
        subscriptions.delete(gone);
        end(scope);
      }
    }

    async function post(visit: Visit, message: RpcMessage): Promise<void> {
      if (!isRequest(message)) {
        const scope = scopeOf(visit);
        await scope.run(() => serve(visit, message, new AbortController()));
        end(scope);
        return;
      }
      if (message.method === 'subscriptions/listen') {
        // It lasts for as long as the client likes: a shutdown does not wait for it.
        listen(visit, message).catch((error: unknown) =>
          logger.error({ err: error }, 'A subscription failed'),
        );
        return;
      }
      const gone = new AbortController();
      const scope = scopeOf(visit, gone);
      let answered = false;
      const missing: RpcResponse = {
        jsonrpc: '2.0',
        id: message.id,
        error: { code: codes.internal, message: 'There was no response' },
      };
      const failed = new AbortController();
      const response = await runCall(callOf(visit, message), () =>
        scope.run(
          async () => {
            answered = true;
            const failure = once(failed.signal).then((): RpcResponse => {
              answered = false;
              gone.abort();
              return {
                jsonrpc: '2.0',
                id: message.id,
                error: { code: codes.internal, message: 'Internal error' },
              };
            });
            return (await Promise.race([serve(visit, message, gone), failure])) ?? missing;
          },
          { onRejection: () => failed.abort() },
        ),
      );
      end(scope);
      if (!answered) sendJson(visit.response, { ...response, id: message.id });
    }

    return {
      async post(visit, message, body) {
        if (await isModern(visit, message)) await post(visit, message);
        else await legacy.post(visit, message, body);
      },
      ...(legacy.get && { get: legacy.get }),
      ...(legacy.delete && { delete: legacy.delete }),
      get sessions() {
        return legacy.sessions;
      },
      get streams() {
        return legacy.streams + subscriptions.size;
      },
      drain() {
        legacy.drain();
        for (const subscription of subscriptions) subscription.abort();
      },
      async close() {
        await legacy.close();
        // It aborts what is in flight, so it comes when nothing is.
        await handler.close();
      },
    };
  };

const once = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => signal.addEventListener('abort', () => resolve()));

const scopeOf = ({ caller }: Visit, gone?: AbortController): SessionScope => {
  const scope = new SessionScope(caller.credentials?.values, () => gone?.abort());
  built.set(scope, new SessionResources());
  return scope;
};

/** What the server of a request has started while it was built. */
const built = new WeakMap<SessionScope, SessionResources>();

function build<T>(createServer: () => T): T {
  const scope = currentScope();
  const resources = scope && built.get(scope);
  return resources ? scope.run(createServer, { resources }) : createServer();
}

function end(scope: SessionScope): void {
  scope.end(release);
  built.get(scope)?.end();
}

/** The SDK decides; it is asked only when a message could be of the newer revision. */
async function isModern(visit: Visit, message: RpcMessage): Promise<boolean> {
  const params = 'params' in message ? message.params : undefined;
  const meta = params?.['_meta'];
  const claims = typeof meta === 'object' && meta !== null && PROTOCOL_VERSION_META_KEY in meta;
  const version = visit.request.headers['mcp-protocol-version'];
  if (!claims && (version === undefined || String(version) < '2026')) return false;
  return !(await isLegacyRequest(webRequest(visit), message));
}

function sendJson(response: ServerResponse, message: RpcResponse): void {
  if (response.destroyed || response.writableEnded) return;
  if (response.headersSent) response.end();
  else response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(message));
}

/** Sends a web response; resolves to the last JSON-RPC response that was in it. */
async function forward(answer: Response, response: ServerResponse): Promise<RpcResponse | undefined> {
  response.writeHead(answer.status, Object.fromEntries(answer.headers));
  if (!answer.body) {
    response.end();
    return undefined;
  }
  const decoder = new TextDecoder();
  let event = '';
  for await (const chunk of answer.body) {
    if (response.destroyed) break;
    if (!response.write(chunk)) await drained(response);
    event += decoder.decode(chunk, { stream: true });
    // Of a stream only the last event can be the response.
    const end = event.lastIndexOf('\n\n', event.length - 3);
    if (end >= 0) event = event.slice(end + 2);
  }
  response.end();
  return responseIn(event);
}

const drained = (response: ServerResponse): Promise<void> =>
  new Promise((resolve) => {
    const go = (): void => {
      response.off('drain', go);
      response.off('close', go);
      resolve();
    };
    response.on('drain', go);
    response.on('close', go);
  });

function responseIn(text: string): RpcResponse | undefined {
  const json = /^data: (.*)$/m.exec(text)?.[1] ?? text;
  try {
    const message = JSON.parse(json) as RpcMessage;
    return 'result' in message || 'error' in message ? message : undefined;
  } catch {
    return undefined;
  }
}
