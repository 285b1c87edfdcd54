import { randomUUID } from 'node:crypto';
import { Exchange } from './exchange.js';
import type { Caller, SessionOwner, SessionRecord } from './feature.js';
import { codes, isRequest, isWholeToolList, Refusal, type RpcMessage, type RpcRequest } from './json-rpc.js';
import { callOf, type Endpoint, type EndpointContext, requireVersion, type Visit } from './mcp.js';
import { messageExtra, protocolVersions } from './sdk.js';
import { Session } from './session.js';

const notFound = (): Refusal => new Refusal(404, codes.sessionNotFound, 'Session not found');

/** A server for each session, from `initialize` to DELETE, closing, or SESSION_TTL_MS without use. */
export function createStatefulEndpoint(context: EndpointContext): Endpoint {
  const { config, logger, features, createServer, runCall } = context;
  const registry = features.find((feature) => feature.sessionRegistry)?.sessionRegistry;
  const sessions = new Map<string, Session>();
  const restoring = new Map<string, Promise<Session>>();
  const newId = (): string => (config.INSTANCE_ID ? `${config.INSTANCE_ID}.` : '') + randomUUID();
  let draining = false;
  let sweep: NodeJS.Timeout | undefined;

  async function open(id: string, caller: Caller, initialize: RpcRequest): Promise<Session> {
    if (draining) throw new Refusal(503, codes.refused, 'Shutting down', { 'retry-after': '1' });
    if (sessions.size >= config.MAX_SESSIONS) makeRoom();
    if (sessions.size >= config.MAX_SESSIONS) {
      throw new Refusal(503, codes.refused, 'Too many sessions are open', { 'retry-after': '30' });
    }
    const onEvent =
      registry && ((event: Parameters<typeof registry.record>[1]) => registry.record(id, event));
    const session = new Session(id, caller, initialize, ended, onEvent);
    sessions.set(id, session);
    sweep ??= setInterval(expire, Math.min(30_000, config.SESSION_TTL_MS / 2)).unref();
    try {
      await session.connect(createServer);
    } catch (error) {
      await session.close();
      ended(session);
      throw error;
    }
    return session;
  }

  /**
   * Lets go of a session that nobody has used here yet, where another replica, or this one, can rebuild it. A balancer
   * that routes by session id may let one replica open them all, for others to serve.
   */
  function makeRoom(): void {
    const unused = registry && [...sessions.values()].find((session) => session.pristine);
    void unused?.close();
  }

  function ended(session: Session): void {
    if (!sessions.delete(session.id)) return;
    logger.debug({ session_id: session.id }, 'Session ended');
    session.dispose();
    if (sessions.size > 0) return;
    clearInterval(sweep);
    sweep = undefined;
  }

  function expire(): void {
    const oldest = Date.now() - config.SESSION_TTL_MS;
    for (const session of sessions.values()) if (session.idleSince < oldest) void session.close();
  }

  /** The session named in the request; a registered one of another replica is carried on here. */
  async function find({ request, caller }: Visit): Promise<Session> {
    const id = request.headers['mcp-session-id'];
    if (typeof id !== 'string' || id === '') {
      throw new Refusal(400, codes.refused, 'Bad Request: the Mcp-Session-Id header is missing');
    }
    const session = (await restoring.get(id)) ?? sessions.get(id) ?? (await restore(id, caller));
    if (!session || !belongs(session.owner, caller)) throw notFound();
    requireVersion(request, protocolVersions);
    session.touch();
    registry?.touch(id);
    return session;
  }

  async function restore(id: string, caller: Caller): Promise<Session | undefined> {
    const record = await registry?.find(id);
    if (!record || !belongs(record.owner, caller)) return undefined;
    const running = restoring.get(id) ?? sessions.get(id);
    if (running) return running;
    const work = revive(id, caller, record);
    restoring.set(id, work);
    try {
      return await work;
    } finally {
      restoring.delete(id);
    }
  }

  async function revive(id: string, caller: Caller, record: SessionRecord): Promise<Session> {
    const session = await open(id, caller, record.initialize);
    await session.replayInitialize();
    return session;
  }

  async function initialize(visit: Visit, message: RpcRequest): Promise<void> {
    if (visit.request.headers['mcp-session-id'] !== undefined) {
      throw new Refusal(400, codes.invalidRequest, 'Invalid Request: this session is initialized already');
    }
    const session = await open(newId(), visit.caller, message);
    // Before the answer: the client's next request may reach another replica.
    await registry?.register(session.id, { initialize: message, owner: session.owner });
    const failed = await call(session, visit, message);
    if (!failed) return;
    await registry?.remove(session.id);
    await session.close();
  }

  /** Runs a request in its session. True when it was answered with an error. */
  async function call(session: Session, visit: Visit, message: RpcRequest): Promise<boolean> {
    if (session.transport.has(message.id)) {
      throw new Refusal(
        400,
        codes.invalidRequest,
        `Invalid Request: id ${message.id} is in use by a request in flight`,
      );
    }
    const exchange = new Exchange(message.id, visit.response, {
      headers: { 'mcp-session-id': session.id },
      history: session.history,
      primed: session.resumable(visit.request.headers['mcp-protocol-version']),
    });
    const leave = session.enter(exchange);
    const extra = {
      ...messageExtra(visit),
      closeSSEStream: () => exchange.pause(),
      closeStandaloneSSEStream: () => session.standalone.detach(),
    };
    const fromMemory = (): boolean => {
      const list = isWholeToolList(message) ? session.toolList : undefined;
      if (list !== undefined) exchange.answerText(list);
      return list !== undefined;
    };
    try {
      if (fromMemory()) return false;
      const response = await runCall(callOf(visit, message, session.id, session.clientName), () =>
        session.request(message, exchange, extra),
      );
      if (!fromMemory()) exchange.answer(response);
      return 'error' in response;
    } catch (error) {
      exchange.fail('Internal error');
      throw error;
    } finally {
      leave();
    }
  }

  return {
    async post(visit, message: RpcMessage) {
      if (isRequest(message) && message.method === 'initialize') return initialize(visit, message);
      const session = await find(visit);
      if (isRequest(message)) {
        await call(session, visit, message);
        return;
      }
      session.notify(message, messageExtra(visit));
      visit.response.writeHead(202).end();
    },
    async get(visit) {
      const session = await find(visit);
      await session.stream(visit, registry);
    },
    async delete(visit) {
      const session = await find(visit);
      await registry?.remove(session.id);
      await session.close();
      visit.response.writeHead(200).end();
    },
    get sessions() {
      return sessions.size;
    },
    get streams() {
      return [...sessions.values()].filter((session) => session.standalone.attached).length;
    },
    drain() {
      draining = true;
      for (const session of sessions.values()) session.standalone.detach('event: shutdown\ndata: {}\n\n');
    },
    async close() {
      await Promise.all([...sessions.values()].map((session) => session.close()));
    },
  };
}

const belongs = (owner: SessionOwner, caller: Caller): boolean =>
  owner.subject === caller.subject && owner.credentials === caller.credentials?.fingerprint;
