import { Agent, type IncomingMessage, request } from 'node:http';

/** One HTTP request. `fetch` forbids what verification must do: forge `Host`, stall a body, own its connections. */
export interface Exchange {
  readonly method: 'GET' | 'POST' | 'DELETE' | 'OPTIONS';
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly agent?: Agent;
  readonly signal?: AbortSignal;
}

export interface Answer {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  readonly body: IncomingMessage;
}

/** Sends a request; resolves with the head of its answer. The caller reads or destroys the body. */
export function exchange(url: string, given: Exchange): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const sent = request(url, {
      method: given.method,
      headers: { ...given.headers },
      ...(given.agent ? { agent: given.agent } : { agent: false }),
      ...(given.signal ? { signal: given.signal } : {}),
    });
    sent.on('error', reject);
    sent.on('response', (body) => {
      body.setEncoding('utf8');
      resolve({ status: body.statusCode ?? 0, headers: body.headers, body });
    });
    sent.end(given.body);
  });
}

/** The whole answer as text. */
export async function exchangeText(url: string, given: Exchange) {
  const { status, headers, body } = await exchange(url, given);
  return { status, headers, text: await readText(body) };
}

export async function readText(body: IncomingMessage): Promise<string> {
  let text = '';
  for await (const chunk of body) text += chunk;
  return text;
}

/** Connections of one client, kept open between its requests and closed with it. */
export const ownConnections = (): Agent => new Agent({ keepAlive: true, maxSockets: 64 });
