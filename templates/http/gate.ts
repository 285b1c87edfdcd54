import type { IncomingMessage, ServerResponse } from 'node:http';
import { isIP, isIPv6 } from 'node:net';
import cors from 'cors';
import type { Config } from './config.js';
import type { Caller, Feature } from './feature.js';
import { codes, Refusal } from './json-rpc.js';

const exposed = [
  'mcp-session-id',
  'mcp-protocol-version',
  'www-authenticate',
  'retry-after',
  'ratelimit',
  'ratelimit-policy',
];

/** Is this an address that only this machine can reach? */
export const isLoopback = (host: string): boolean =>
  host === 'localhost' || host === '::1' || host === '[::1]' || /^127(\.\d+){3}$/.test(host);

/**
 * What stands before `/mcp`: Host and Origin (a web page must not reach a local server by rebinding its name), CORS,
 * authentication, limits.
 */
export class Gate {
  readonly #config: Config;
  readonly #authenticate: Feature | undefined;
  readonly #identify: readonly Feature[];
  readonly #admit: readonly Feature[];
  readonly #cors: (request: IncomingMessage, response: ServerResponse, next: () => void) => void;

  constructor(config: Config, features: readonly Feature[]) {
    this.#config = config;
    this.#authenticate = features.find((feature) => feature.authenticate);
    this.#identify = features.filter((feature) => feature.identify);
    this.#admit = features.filter((feature) => feature.admit);
    this.#cors = cors({
      // The origin has been checked by then; it is reflected, never `*`.
      origin: true,
      methods: ['GET', 'POST', 'DELETE', 'OPTIONS'],
      exposedHeaders: exposed,
      maxAge: 600,
    });
  }

  /** Who calls, once everything is in order; undefined when the answer has been given. Throws a `Refusal`. */
  async pass(request: IncomingMessage, response: ServerResponse): Promise<Caller | undefined> {
    if (this.checkOrigin(request, response)) return undefined;
    let caller: Caller = { address: addressOf(request, this.#config.TRUST_PROXY) };
    if (this.#authenticate?.authenticate)
      caller = accept(await this.#authenticate.authenticate(request, caller));
    for (const feature of this.#identify) caller = accept(feature.identify?.(request, caller) ?? caller);
    for (const feature of this.#admit) {
      const refusal = await feature.admit?.(caller, response);
      if (refusal) throw refusal;
    }
    return caller;
  }

  /** Host, Origin and CORS. True when that was all there was to answer. Throws a `Refusal`. */
  checkOrigin(request: IncomingMessage, response: ServerResponse): boolean {
    const { host, origin } = request.headers;
    if (!this.#allowsHost(host))
      throw new Refusal(403, codes.refused, 'Forbidden: this Host is not served here');
    if (origin !== undefined) {
      if (!this.#allowsOrigin(origin, host))
        throw new Refusal(403, codes.refused, 'Forbidden: this Origin may not call');
      this.#cors(request, response, () => undefined);
    } else if (request.method === 'OPTIONS') {
      response.writeHead(204, { allow: 'GET, POST, DELETE, OPTIONS' }).end();
    }
    return request.method === 'OPTIONS';
  }

  #allowsHost(host: string | undefined): boolean {
    const { ALLOWED_HOSTS, HOST } = this.#config;
    if (host === undefined) return false;
    const name = hostname(host);
    if (ALLOWED_HOSTS.length > 0) return ALLOWED_HOSTS.includes(host) || ALLOWED_HOSTS.includes(name);
    // Beyond this machine callers are authenticated, and the names of the service are the operator's to know.
    return isLoopback(HOST) ? isLoopback(name) : true;
  }

  #allowsOrigin(origin: string, host: string | undefined): boolean {
    const { ALLOWED_HOSTS, CORS_ORIGINS, HOST } = this.#config;
    if (CORS_ORIGINS.includes(origin) || CORS_ORIGINS.includes('*')) return true;
    if (!/^https?:\/\//.test(origin)) return false;
    const authority = origin.replace(/^https?:\/\//, '');
    const name = hostname(authority);
    if (ALLOWED_HOSTS.length > 0) return ALLOWED_HOSTS.includes(authority) || ALLOWED_HOSTS.includes(name);
    // An origin that equals the Host proves nothing: a page can rebind its own name to this address. It cannot send
    // a Host that names this machine, though.
    return isLoopback(name) && (isLoopback(HOST) || isLoopback(hostname(host ?? '')));
  }
}

function accept(caller: Caller | Refusal): Caller {
  if (caller instanceof Refusal) throw caller;
  return caller;
}

const hostname = (authority: string): string => authority.replace(/:\d+$/, '').toLowerCase();

/** The client's address: the connection's, or what the last `hops` proxies say. */
function addressOf(request: IncomingMessage, hops: number): string {
  const direct = request.socket.remoteAddress ?? 'unknown';
  if (hops === 0) return direct;
  const header = request.headers['x-forwarded-for'];
  const forwarded = (Array.isArray(header) ? header.join(',') : (header ?? ''))
    .split(',')
    .map((part) => part.trim());
  const chain = [...forwarded.filter((address) => isIP(address) > 0), direct];
  return chain[Math.max(0, chain.length - 1 - hops)] ?? direct;
}

/** What limits are counted by: an IPv6 client owns a whole /56, an IPv4 client one address. */
export function addressGroup(address: string): string {
  const mapped = /^::ffff:(\d+(?:\.\d+){3})$/i.exec(address)?.[1];
  if (mapped) return mapped;
  if (!isIPv6(address)) return address;
  const [head = '', tail] = (address.split('%')[0] ?? '').split('::');
  const left = head.split(':').filter(Boolean);
  const right = (tail ?? '').split(':').filter(Boolean);
  const gap: string[] = Array(Math.max(0, 8 - left.length - right.length)).fill('0');
  const groups = [...left, ...(tail === undefined ? [] : gap), ...right].map((group) =>
    Number.parseInt(group, 16),
  );
  const [a = 0, b = 0, c = 0, d = 0] = groups;
  return `${[a, b, c, d & 0xff00].map((group) => group.toString(16)).join(':')}::/56`;
}
