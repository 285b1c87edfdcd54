import { setMaxListeners } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { readEvents } from './event-stream.js';
import { type Answer, exchange, ownConnections, readText } from './http-exchange.js';
import { type Channel, type Message, parseMessages } from './message.js';

/** How the server's notification stream ended; `none` when it offers none. */
export type StreamEnd = 'none' | 'ended' | 'broken';

/** A server that sends no head before its first event is not waited for longer than this. */
const STREAM_MS = 400;
/** Between two attempts to open a stream again. */
const RECONNECT_MS = 200;

export interface HttpChannel extends Channel {
  readonly sessionId: () => string | undefined;
  /** Settles when the notification stream ends. */
  readonly streamEnd: Promise<StreamEnd>;
}

/**
 * MCP over Streamable HTTP (2025-11-25, basic/transports): POST per message, answers as JSON or as an event
 * stream, a GET stream for what belongs to no request, DELETE at the end.
 * @param url where to send a request; asked for each, so that several processes can take turns.
 * @param headers sent with every request: credentials.
 * @param reconnects opens the notification stream again when it breaks, as the official clients do.
 */
export function httpChannel(
  url: () => string,
  headers: Readonly<Record<string, string>>,
  { reconnects = false } = {},
): HttpChannel {
  const agent = ownConnections();
  const closing = new AbortController();
  setMaxListeners(0, closing.signal); // every request listens
  const listeners: ((message: Message) => void)[] = [];
  let sessionId: string | undefined;
  let protocolVersion: string | undefined;
  let lastHeard: string | undefined;
  let settleStream: (end: StreamEnd) => void = () => {};
  const streamEnd = new Promise<StreamEnd>((resolve) => {
    settleStream = resolve;
  });

  const hear = (message: Message) => {
    for (const listener of listeners) listener(message);
  };
  const sessionHeaders = () => ({
    ...headers,
    ...(sessionId ? { 'mcp-session-id': sessionId } : {}),
    ...(protocolVersion ? { 'mcp-protocol-version': protocolVersion } : {}),
  });

  async function send(message: Message): Promise<void> {
    const answer = await exchange(url(), {
      method: 'POST',
      headers: {
        ...sessionHeaders(),
        'content-type': 'application/json',
        accept: 'application/json, text/event-stream',
      },
      body: JSON.stringify(message),
      agent,
      signal: closing.signal,
    });
    const opened = answer.headers['mcp-session-id'];
    if (typeof opened === 'string') sessionId = opened;
    const wanted = message.method !== undefined && message.id !== undefined;
    if (isEventStream(answer)) await hearEvents(answer.body, wanted ? message.id : undefined);
    else hearBody(answer.status, await readText(answer.body), message, wanted);
  }

  async function hearEvents(body: IncomingMessage, awaited: Message['id']): Promise<void> {
    let answered = awaited === undefined;
    let lastEventId: string | undefined;
    for await (const event of readEvents(body)) {
      lastEventId = event.id ?? lastEventId;
      for (const message of parseMessages(event.data ?? '')) {
        if (message.method === undefined && message.id === awaited) answered = true;
        hear(message);
      }
    }
    if (answered) return;
    if (lastEventId === undefined) throw new Error('the event stream ended without the answer');
    const resumed = await getStream({ 'last-event-id': lastEventId });
    if (!isEventStream(resumed)) throw new Error(`resuming the event stream was answered ${resumed.status}`);
    await hearEvents(resumed.body, awaited);
  }

  /** A refusal carries no id when the server could not know it: it still belongs to what was just sent. */
  function hearBody(status: number, text: string, sent: Message, wanted: boolean): void {
    const messages = parseMessages(text);
    if (wanted && messages.length === 0) throw new Error(`HTTP ${status} ${text.slice(0, 120)}`.trim());
    if (!wanted && status >= 400) throw new Error(`HTTP ${status} ${text.slice(0, 120)}`.trim());
    for (const message of messages) {
      const refusal = wanted && message.error && (message.id ?? null) === null;
      hear(refusal ? { ...message, id: sent.id ?? null } : message);
    }
  }

  const getStream = (more: Readonly<Record<string, string>> = {}) =>
    exchange(url(), {
      method: 'GET',
      headers: { ...sessionHeaders(), accept: 'text/event-stream', ...more },
      agent,
      signal: closing.signal,
    });

  /** Resolves when the stream is open, with how it will end. */
  async function listen(): Promise<{ readonly end: Promise<StreamEnd> }> {
    const from = lastHeard === undefined ? {} : { 'last-event-id': lastHeard };
    const answer = await getStream(from).catch(() => undefined);
    if (answer && isEventStream(answer)) return { end: follow(answer.body) };
    answer?.body.resume();
    return { end: Promise.resolve(answer ? 'none' : 'broken') };
  }

  async function follow(body: IncomingMessage): Promise<StreamEnd> {
    try {
      for await (const event of readEvents(body)) {
        lastHeard = event.id ?? lastHeard;
        parseMessages(event.data ?? '').forEach(hear);
      }
      return 'ended';
    } catch {
      return 'broken';
    }
  }

  /** Listens again whenever a stream has ended, until the server offers none or the channel is closed. */
  async function keepListening(end: StreamEnd): Promise<void> {
    for (let last = end; last !== 'none' && !closing.signal.aborted; ) {
      await sleep(RECONNECT_MS, undefined, { ref: false });
      last = await (await listen()).end;
    }
  }

  return {
    send,
    sessionId: () => sessionId,
    streamEnd,
    onMessage: (listener) => void listeners.push(listener),
    onGone: () => {}, // each request finds out for itself
    agreed: async (version) => {
      protocolVersion = version;
      const opened = listen();
      const ended = opened.then(({ end }) => end);
      void ended.then(settleStream);
      if (reconnects) void ended.then(keepListening);
      await Promise.race([opened, sleep(STREAM_MS, undefined, { ref: false })]);
    },
    close: async () => {
      if (sessionId) {
        const bye = exchange(url(), { method: 'DELETE', headers: sessionHeaders(), agent });
        await Promise.race([bye.then(({ body }) => readText(body)), streamEnd]).catch(() => {});
      }
      closing.abort();
      agent.destroy();
    },
  };
}

const isEventStream = ({ status, headers }: Answer): boolean =>
  status === 200 && String(headers['content-type']).startsWith('text/event-stream');
