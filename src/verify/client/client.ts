import { setTimeout as sleep } from 'node:timers/promises';
import { isRecord } from '../canonical.js';
import type { Channel, Message } from './message.js';

/** The newest revision with sessions; servers answer with the one they speak. */
export const PROTOCOL_VERSION = '2025-11-25';

/** What a request came to: `{ result }`, or `{ error }` with the code the server gave. */
export type Outcome =
  | { readonly result: unknown }
  | { readonly error: { readonly code: number | string; readonly message: string } };

/** An MCP client that says one word: whatever it asks or is asked carries it, and so shows where it ends up. */
export interface Client {
  readonly word: string;
  /** The result of `initialize`. */
  readonly welcome: Readonly<Record<string, unknown>>;
  /** Notifications and requests of the server, in the order they arrived. */
  readonly heard: readonly Message[];
  /** Never throws: an answer that does not come is an outcome too. */
  readonly request: (method: string, params?: unknown, timeoutMs?: number) => Promise<Outcome>;
  readonly notify: (method: string, params?: unknown) => Promise<void>;
  readonly close: () => Promise<void>;
}

const CAPABILITIES = { roots: { listChanged: true }, sampling: {}, elicitation: {} };

/** What a client answers when the server asks; anything else is a method it does not have. */
const ANSWERS: Readonly<Record<string, (word: string) => unknown>> = {
  ping: () => ({}),
  'roots/list': (word) => ({ roots: [{ uri: `file:///${word}`, name: word }] }),
  'sampling/createMessage': (word) => ({
    role: 'assistant',
    model: 'verify',
    content: { type: 'text', text: word },
    stopReason: 'endTurn',
  }),
  'elicitation/create': () => ({ action: 'decline' }),
};

/**
 * Opens a session: `initialize`, then `notifications/initialized`.
 * @throws Error when the server does not answer within the time, or refuses.
 */
export async function connectClient(channel: Channel, word: string, timeoutMs: number): Promise<Client> {
  const heard: Message[] = [];
  const waiting = new Map<string | number, (outcome: Outcome) => void>();
  let gone: string | undefined;
  let lastId = 0;

  channel.onGone((how) => {
    gone = how;
    for (const settle of waiting.values()) settle(lost(how));
  });
  channel.onMessage((message) => {
    if (message.method === undefined) {
      settle(message, waiting);
      return;
    }
    heard.push(message);
    if (message.id !== undefined && message.id !== null) {
      void channel.send(answerTo(message, word)).catch(() => {}); // its asker is gone; the call's outcome says so
    }
  });

  async function request(method: string, params?: unknown, limitMs = timeoutMs): Promise<Outcome> {
    if (gone) return lost(gone);
    const id = ++lastId;
    const cancel = new AbortController();
    const outcome = new Promise<Outcome>((resolve) => waiting.set(id, resolve));
    const message: Message = { jsonrpc: '2.0', id, method, ...(params === undefined ? {} : { params }) };
    const undelivered = channel.send(message).then(
      () => new Promise<Outcome>(() => {}),
      (error: unknown) => lost(error instanceof Error ? error.message : String(error)),
    );
    const late = sleep(limitMs, undefined, { signal: cancel.signal }).then(
      (): Outcome => ({ error: { code: 'timeout', message: `no answer within ${limitMs} ms` } }),
      () => new Promise<Outcome>(() => {}),
    );
    const settled = await Promise.race([outcome, undelivered, late]);
    cancel.abort();
    waiting.delete(id);
    return settled;
  }

  const notify = (method: string, params?: unknown) =>
    channel.send({ jsonrpc: '2.0', method, ...(params === undefined ? {} : { params }) });

  try {
    const clientInfo = { name: `verify-${word}`, version: '1.0.0' };
    const opened = await request('initialize', {
      protocolVersion: PROTOCOL_VERSION,
      capabilities: CAPABILITIES,
      clientInfo,
    });
    if (!('result' in opened)) throw new Error(`initialize: ${opened.error.message}`);
    if (!isRecord(opened.result)) throw new Error('initialize was answered without a result');
    await channel.agreed(String(opened.result.protocolVersion));
    await notify('notifications/initialized');
    return { word, welcome: opened.result, heard, request, notify, close: channel.close };
  } catch (error) {
    await channel.close();
    throw error;
  }
}

function settle(message: Message, waiting: Map<string | number, (outcome: Outcome) => void>): void {
  if (message.id === undefined || message.id === null) return;
  const { error } = message;
  waiting.get(message.id)?.(
    error ? { error: { code: error.code, message: error.message } } : { result: message.result },
  );
}

function answerTo(request: Message, word: string): Message {
  const answer = ANSWERS[request.method ?? ''];
  const head = { jsonrpc: '2.0', id: request.id ?? null } as const;
  return answer
    ? { ...head, result: answer(word) }
    : { ...head, error: { code: -32601, message: 'Method not found' } };
}

const lost = (how: string): Outcome => ({ error: { code: 'lost', message: how } });
