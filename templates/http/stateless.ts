import { Exchange } from './exchange.js';
import { isRequest, isWholeToolList, type RpcRequest } from './json-rpc.js';
import { callOf, type Endpoint, type EndpointContext, requireVersion, type Visit } from './mcp.js';
import { type MessageExtraInfo, messageExtra, protocolVersions } from './sdk.js';
import { fixedTools, reusable, type ServerFactory } from './server-factory.js';
import { release, SessionResources } from './session-resources.js';
import { currentScope, SessionScope } from './session-scope.js';
import { HttpTransport, type Route } from './transport.js';

/** Requests that leave nothing behind in a server of the SDK. Others (`initialize`, `logging/setLevel`, …) do. */
const traceless = new Set([
  'tools/list',
  'tools/call',
  'resources/list',
  'resources/templates/list',
  'resources/read',
  'prompts/list',
  'prompts/get',
  'completion/complete',
  'ping',
]);
const mostIdle = 64;

/** A server with its connection. It serves one request at a time, and another one only while it is clean. */
class Instance {
  readonly transport: HttpTransport;
  /** What was started while the server was built. What a call starts is its own affair, as it is over stdio. */
  readonly #resources = new SessionResources();
  clean = reusable;
  uses = 0;

  constructor() {
    const route: Route = async (message, exchange, pending) => {
      if (isRequest(message)) {
        throw new Error(
          `${message.method} needs a session: this service is stateless, its clients cannot be asked`,
        );
      }
      if (message.method.endsWith('/list_changed')) this.clean = false;
      if (exchange) return exchange.send(message);
      // Of a server that has served others before, only what the current request itself says can be for its client.
      for (const { exchange: current, scope } of pending) {
        if (this.uses === 1 || scope === currentScope()) return current?.send(message);
      }
    };
    this.transport = new HttpTransport(route, () => {
      this.clean = false;
      this.#resources.end();
    });
  }

  static async open(createServer: ServerFactory): Promise<Instance> {
    const instance = new Instance();
    const build = async (): Promise<void> => {
      const server = await createServer();
      await server.connect(instance.transport);
    };
    try {
      await currentScope()?.run(build, { resources: instance.#resources });
    } catch (error) {
      await instance.transport.close();
      throw error;
    }
    return instance;
  }
}

/** Every request is answered by a server of its own, or by one that provably kept nothing of those before. */
export function createStatelessEndpoint({ createServer, runCall }: EndpointContext): Endpoint {
  const idle: Instance[] = [];
  let lastId = 0;
  let toolList: string | undefined;

  /** One that is still clean: what a call left running may have changed a server after it was given back. */
  function takeIdle(): Instance | undefined {
    for (let instance = idle.pop(); instance; instance = idle.pop()) {
      if (instance.clean) return instance;
      void instance.transport.close();
    }
    return undefined;
  }

  async function answer(
    visit: Visit,
    message: RpcRequest,
    exchange: Exchange,
    extra: MessageExtraInfo,
  ): Promise<void> {
    let instance: Instance | undefined;
    const scope = new SessionScope(visit.caller.credentials?.values, () => void instance?.transport.close());
    const call = () =>
      scope.run(async () => {
        const isTraceless = traceless.has(message.method);
        instance = (isTraceless && takeIdle()) || (await Instance.open(createServer));
        if (!isTraceless) instance.clean = false;
        instance.uses++;
        // Clients count their requests alike; a number of our own keeps a late message from finding the next client.
        return instance.transport.request({ ...message, id: ++lastId }, exchange, extra);
      });
    try {
      const response = await runCall(callOf(visit, message), call);
      if (fixedTools && instance?.clean && isWholeToolList(message) && 'result' in response) {
        toolList = JSON.stringify(response.result);
        exchange.answerText(toolList);
      } else {
        exchange.answer({ ...response, id: message.id });
      }
      if (instance && visit.response.destroyed) instance.clean = false;
    } catch (error) {
      if (instance) instance.clean = false;
      exchange.fail('Internal error');
      throw error;
    } finally {
      if (instance?.clean && idle.length < mostIdle) idle.push(instance);
      else await instance?.transport.close();
      scope.end(release);
    }
  }

  return {
    async post(visit, message) {
      requireVersion(visit.request, protocolVersions);
      if (!isRequest(message)) {
        // Notifications and responses speak of an earlier exchange, whose server is gone.
        visit.response.writeHead(202).end();
        return;
      }
      const exchange = new Exchange(message.id, visit.response);
      if (toolList !== undefined && isWholeToolList(message)) exchange.answerText(toolList);
      else await answer(visit, message, exchange, messageExtra(visit));
    },
    sessions: 0,
    streams: 0,
    drain: () => undefined,
    async close() {
      await Promise.all(idle.splice(0).map((instance) => instance.transport.close()));
    },
  };
}
