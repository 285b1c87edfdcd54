import type {
  EventReader,
  Feature,
  FeatureContext,
  SessionRecord,
  SessionRegistry,
  StreamEvent,
} from './feature.js';
import { codes, Refusal } from './json-rpc.js';
import { type Redis, redisOf } from './redis-client.js';

/** Events kept per session, for clients that resume a stream. */
const EVENTS_KEPT = 1000;
/** How often a resumed stream looks for what another replica has added to it. */
const TAIL_INTERVAL_MS = 200;

/**
 * Makes sessions known to the other replicas: who opened it, with which `initialize`, and the events of its
 * streams. A replica that gets a request of a session it does not have rebuilds the session from this.
 */
export function createRedisSessions({ config, logger }: FeatureContext): Feature {
  const redis = redisOf(config);
  const store = new SessionStore(redis, config.SESSION_TTL_MS, (error) =>
    logger.debug({ event: 'session_store_failed', reason: String(error) }),
  );
  return { name: 'redis-sessions', sessionRegistry: store, close: () => store.close() };
}

/** An event and where it is in Redis. */
interface Entry {
  readonly position: string;
  readonly event: StreamEvent;
}

class SessionStore implements SessionRegistry {
  readonly #redis: Redis;
  readonly #ttl: number;
  readonly #failed: (error: unknown) => void;
  /** Sessions used here, the longest unused first, so that they can be registered again after Redis lost them. */
  readonly #here = new Map<string, { record: SessionRecord; used: number; written: number }>();
  readonly #closing = new AbortController();

  constructor(redis: Redis, ttl: number, failed: (error: unknown) => void) {
    this.#redis = redis;
    this.#ttl = ttl;
    this.#failed = failed;
  }

  async register(id: string, record: SessionRecord): Promise<void> {
    this.#keep(id, record, Date.now());
    await this.#write(id, record).catch(this.#failed);
  }

  /** Remembers a session as used now, and forgets those that nobody has used for their lifetime. */
  #keep(id: string, record: SessionRecord, written: number): void {
    const now = Date.now();
    this.#here.delete(id);
    this.#here.set(id, { record, used: now, written });
    for (const [oldest, { used }] of this.#here) {
      if (used > now - this.#ttl) return;
      this.#here.delete(oldest);
    }
  }

  #write(id: string, record: SessionRecord): Promise<unknown> {
    const expiration = { type: 'PX', value: this.#ttl } as const;
    return this.#redis.within((client) =>
      client.set(this.#session(id), JSON.stringify(record), { expiration }),
    );
  }

  /** When Redis cannot be asked the session may exist, so its client must not be told that it does not. */
  async find(id: string): Promise<SessionRecord | undefined> {
    const text = await this.#redis
      .within((client) => client.get(this.#session(id)))
      .catch((error: unknown) => this.#refuse(error));
    if (text === null) return undefined;
    const record = JSON.parse(text) as SessionRecord;
    this.#keep(id, record, 0);
    this.touch(id);
    return record;
  }

  #refuse(error: unknown): never {
    this.#failed(error);
    throw new Refusal(503, codes.refused, 'Sessions cannot be looked up now', { 'retry-after': '2' });
  }

  touch(id: string): void {
    const held = this.#here.get(id);
    if (!held) return;
    const now = Date.now();
    const due = now - held.written >= this.#ttl / 10;
    this.#keep(id, held.record, due ? now : held.written);
    if (!due) return;
    this.#write(id, held.record).catch((error: unknown) => {
      const kept = this.#here.get(id);
      if (kept) kept.written = 0;
      this.#failed(error);
    });
    this.#redis.within((client) => client.pExpire(this.#events(id), this.#ttl)).catch(this.#failed);
  }

  async remove(id: string): Promise<void> {
    this.#here.delete(id);
    await this.#redis
      .within((client) => client.del([this.#session(id), this.#events(id)]))
      .catch(this.#failed);
  }

  record(sessionId: string, event: StreamEvent): void {
    const key = this.#events(sessionId);
    const fields = { id: event.id, stream: event.stream, data: event.data, final: event.final ? '1' : '' };
    this.#redis
      .within((client) =>
        client
          .multi()
          .xAdd(key, '*', fields, {
            TRIM: { strategy: 'MAXLEN', strategyModifier: '~', threshold: EVENTS_KEPT },
          })
          .pExpire(key, this.#ttl)
          .exec(),
      )
      .catch(this.#failed);
  }

  async replay(
    sessionId: string,
    lastEventId: string,
    reader: EventReader,
    signal: AbortSignal,
  ): Promise<boolean> {
    const all = await this.#read(sessionId, '-').catch((error: unknown) => this.#refuse(error));
    const at = all.findIndex(({ event }) => event.id === lastEventId);
    const last = all[at];
    if (!last) return false;
    reader.begin();
    if (last.event.final) reader.end();
    else void this.#follow(sessionId, last, all.slice(at + 1), reader, signal);
    return true;
  }

  /** Sends the rest of a stream: what is there, and what comes to be there. */
  async #follow(
    sessionId: string,
    last: Entry,
    missed: readonly Entry[],
    reader: EventReader,
    signal: AbortSignal,
  ): Promise<void> {
    let position = last.position;
    let entries = missed;
    do {
      for (const entry of entries) {
        position = entry.position;
        if (entry.event.stream !== last.event.stream) continue;
        if (signal.aborted) return;
        reader.send(entry.event);
        if (entry.event.final) return reader.end();
      }
      const more = await this.#pause(signal);
      if (!more) return;
      // Redis away for a while is no reason to end the stream: the events are still there when it comes back.
      entries = await this.#read(sessionId, `(${position}`).catch(() => []);
    } while (!signal.aborted);
  }

  async #read(sessionId: string, from: string): Promise<Entry[]> {
    const entries = await this.#redis.within((client) => client.xRange(this.#events(sessionId), from, '+'));
    return (entries ?? []).map(({ id: position, message }) => {
      const { id = '', stream = '', data = '', final } = message as Record<string, string>;
      return { position, event: { id, stream, data, final: final === '1' } };
    });
  }

  /** Waits for a moment; false when there is nothing left to wait for. */
  #pause(signal: AbortSignal): Promise<boolean> {
    const over = AbortSignal.any([signal, this.#closing.signal]);
    return new Promise((resolve) => {
      const done = (): void => {
        clearTimeout(timer);
        over.removeEventListener('abort', done);
        resolve(!over.aborted);
      };
      const timer = setTimeout(done, TAIL_INTERVAL_MS);
      over.addEventListener('abort', done);
      if (over.aborted) done();
    });
  }

  close(): void {
    this.#closing.abort();
  }

  #session(id: string): string {
    return this.#redis.key('session', id);
  }

  #events(id: string): string {
    return this.#redis.key('events', id);
  }
}
