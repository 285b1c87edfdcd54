/** A client that checks every answer it gets. */

import { type Dispatcher, Pool } from 'undici';
import { toolNames } from './projects/registrations.js';
import type { Subject } from './subjects.js';

export type Method = 'tools/call' | 'tools/list';

/** Ids count from here: long enough that their digits are nowhere else in an answer. */
const firstId = 1_000_000_001;
/** A server that says nothing for so long has failed. Milliseconds. */
const patience = 60_000;
export const protocolVersion = '2025-06-18';

interface Message {
  readonly id?: number;
  readonly result?: Record<string, unknown>;
}

/** An answer that is wrong: the measurement means nothing. */
export class WrongAnswer extends Error {}

/** Talks to one running server, over at most `connections` connections. */
export class Client {
  readonly #subject: Subject;
  readonly #tools: number;
  readonly #newPool: () => Pool;
  #pool: Pool;
  readonly #sessions: string[] = [];
  #lastId = firstId;
  /** The checked list of tools, cut where the id stands. */
  #list: readonly string[] | undefined;

  constructor(subject: Subject, tools: number, port: number, connections = 64) {
    this.#subject = subject;
    this.#tools = tools;
    this.#newPool = () =>
      new Pool(`http://127.0.0.1:${port}`, {
        connections,
        pipelining: 1,
        headersTimeout: patience,
        bodyTimeout: patience,
      });
    this.#pool = this.#newPool();
  }

  /** Fresh connections: servers close those that were idle for some seconds, and may do so just when they are used. */
  async reconnect(): Promise<void> {
    await this.#pool.destroy();
    this.#pool = this.#newPool();
  }

  /** Opens sessions until there are `count`; nothing where the server has none. */
  async openSessions(count: number): Promise<void> {
    while (this.#subject.stateful && this.#sessions.length < count)
      this.#sessions.push(await this.#initialize());
  }

  /** Sends one request in the session of `lane` and checks its answer. Throws `WrongAnswer`. */
  async ask(method: Method, lane: number): Promise<void> {
    const id = ++this.#lastId;
    const text = await this.#post(id, method, paramsOf(method, id), this.#sessionOf(lane));
    if (method === 'tools/call') checkCall(text, id);
    else this.#checkList(text, id);
  }

  /** The result of `tools/list`, checked. */
  async list(): Promise<unknown> {
    const id = ++this.#lastId;
    const text = await this.#post(id, 'tools/list', {}, this.#sessionOf(0));
    this.#checkList(text, id);
    return (JSON.parse(text) as Message).result;
  }

  async close(): Promise<void> {
    await this.#pool.destroy();
  }

  #sessionOf(lane: number): string | undefined {
    return this.#sessions[lane % this.#sessions.length];
  }

  async #initialize(): Promise<string> {
    const params = { protocolVersion, capabilities: {}, clientInfo: { name: 'bench', version: '1.0.0' } };
    const id = ++this.#lastId;
    const answer = await this.#send({ jsonrpc: '2.0', id, method: 'initialize', params }, undefined);
    const text = dataOf(await answer.body.text(), answer.headers);
    const session = answer.headers['mcp-session-id'];
    if (answer.statusCode !== 200 || typeof session !== 'string')
      throw new WrongAnswer(`initialize: ${text}`);
    const told = await this.#send({ jsonrpc: '2.0', method: 'notifications/initialized' }, session);
    await told.body.dump();
    if (told.statusCode !== 202) throw new WrongAnswer(`notifications/initialized: ${told.statusCode}`);
    return session;
  }

  async #post(id: number, method: string, params: object, session: string | undefined): Promise<string> {
    const answer = await this.#send({ jsonrpc: '2.0', id, method, params }, session);
    const text = dataOf(await answer.body.text(), answer.headers);
    if (answer.statusCode !== 200)
      throw new WrongAnswer(`${this.#subject.id}: ${answer.statusCode} ${text.slice(0, 500)}`);
    return text;
  }

  #send(message: object, session: string | undefined): Promise<Dispatcher.ResponseData> {
    return this.#pool.request({
      path: '/mcp',
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        accept: 'application/json, text/event-stream',
        'mcp-protocol-version': protocolVersion,
        ...this.#subject.headers,
        ...(session && { 'mcp-session-id': session }),
      },
      body: JSON.stringify(message),
    });
  }

  /** The first list is read; those after it have to be the same text. */
  #checkList(text: string, id: number): void {
    const known = this.#list?.join(String(id));
    if (known === text) return;
    if (known !== undefined) throw new WrongAnswer(`${this.#subject.id}: the list has changed`);
    const message = JSON.parse(text) as Message;
    const tools = message.result?.['tools'] as { name: string; inputSchema: { properties?: object } }[];
    const expected = toolNames(this.#tools);
    const right = tools.every(
      (tool, index) =>
        tool.name === expected[index] && Object.keys(tool.inputSchema.properties ?? {}).length > 0,
    );
    if (message.id !== id || tools.length !== this.#tools || !right)
      throw new WrongAnswer(`${this.#subject.id}: ${text.slice(0, 500)}`);
    this.#list = text.split(String(id));
  }
}

const paramsOf = (method: Method, id: number): object =>
  method === 'tools/call' ? { name: 'convert_length', arguments: { value: id, from: 'km', to: 'm' } } : {};

function checkCall(text: string, id: number): void {
  const { id: answered, result } = JSON.parse(text) as Message;
  const content = result?.['content'] as { text?: string }[] | undefined;
  if (answered !== id || content?.[0]?.text !== `${id} km = ${id * 1000} m`)
    throw new WrongAnswer(`instead of the result of ${id}: ${text.slice(0, 500)}`);
}

/** The JSON text of an answer; of a stream of events, the data of its last one. */
function dataOf(body: string, headers: Dispatcher.ResponseData['headers']): string {
  if (!String(headers['content-type']).startsWith('text/event-stream')) return body;
  const lines = body.split('\n').filter((line) => line.startsWith('data: {'));
  return lines.at(-1)?.slice('data: '.length) ?? '';
}
