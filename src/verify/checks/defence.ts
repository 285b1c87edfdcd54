import { isRecord } from '../canonical.js';
import { PROTOCOL_VERSION } from '../client/client.js';
import { type Exchange, exchangeText } from '../client/http-exchange.js';
import type { Site } from '../site.js';
import { type Verdict, verdict } from '../verification.js';
import type { Service, Workbench } from '../workbench.js';

/** Limits small enough to be met: the service of this check has them, no other. */
const BODY_LIMIT = 20_000;
const PER_MINUTE = 60;

/** One thing a hostile or broken client does, and how it must be refused. */
interface Attack {
  readonly label: string;
  readonly send: Partial<Exchange> & { readonly path?: string };
  readonly status: number;
  /** JSON-RPC error code in the body, where the protocol fixes one. */
  readonly code?: number;
  /** A header that the refusal must have. */
  readonly header?: string;
  readonly when?: (site: Site) => boolean;
}

const INITIALIZE = JSON.stringify({
  jsonrpc: '2.0',
  id: 1,
  method: 'initialize',
  params: {
    protocolVersion: PROTOCOL_VERSION,
    capabilities: {},
    clientInfo: { name: 'attack', version: '1' },
  },
});
const LIST = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/list' });

const authenticated = ({ options }: Site) => options.auth !== 'none';
const sessionful = ({ manifest }: Site) => manifest.seam.sessions === 'stateful';
const sessionless = (site: Site) => !sessionful(site);

const ATTACKS: readonly Attack[] = [
  { label: 'a hostile Origin', send: { headers: { origin: 'http://evil.example' } }, status: 403 },
  { label: 'a hostile Host', send: { headers: { host: 'evil.example' } }, status: 403 },
  { label: 'malformed JSON', send: { body: '{nope' }, status: 400, code: -32700 },
  { label: 'JSON that is not JSON-RPC', send: { body: '{"hello":"world"}' }, status: 400, code: -32600 },
  { label: 'a body over the limit', send: { body: LIST.padEnd(BODY_LIMIT * 3) }, status: 413 },
  { label: 'another content type', send: { headers: { 'content-type': 'text/plain' } }, status: 415 },
  { label: 'an Accept without JSON', send: { headers: { accept: 'text/html' } }, status: 406 },
  {
    label: 'no token',
    send: { headers: { authorization: '' } },
    status: 401,
    header: 'www-authenticate',
    when: authenticated,
  },
  {
    label: 'a wrong token',
    send: { headers: { authorization: 'Bearer wrong' } },
    status: 401,
    header: 'www-authenticate',
    when: authenticated,
  },
  {
    label: 'an unknown revision',
    send: { headers: { 'mcp-protocol-version': '1999-01-01' }, body: LIST },
    status: 400,
    when: sessionless,
  },
  { label: 'GET without sessions', send: { method: 'GET' }, status: 405, header: 'allow', when: sessionless },
  {
    label: 'DELETE without sessions',
    send: { method: 'DELETE' },
    status: 405,
    header: 'allow',
    when: sessionless,
  },
  { label: 'no session id', send: { body: LIST }, status: 400, when: sessionful },
  {
    label: 'an unknown session id',
    send: { body: LIST, headers: { 'mcp-session-id': 'a52c6a6e-0000-4000-8000-000000000000' } },
    status: 404,
    when: sessionful,
  },
];

/** Hostile and broken requests: each refused with its status, as JSON, and the service lives on. */
export async function checkDefence(bench: Workbench): Promise<Verdict> {
  const limited = bench.site.options.rateLimit !== 'none';
  const service = await bench.startService({
    MAX_BODY_BYTES: String(BODY_LIMIT),
    RATE_LIMIT_PER_MINUTE: String(PER_MINUTE),
  });
  const attacks = ATTACKS.filter(({ when }) => when?.(bench.site) ?? true);
  const found: string[] = [];
  for (const { header } of bench.site.manifest.seam.credentials ?? [])
    attacks.push({ label: `no ${header}`, send: { headers: { [header]: '' } }, status: 401 });
  for (const attack of attacks) found.push(...(await check(service, attack)));
  if (limited) found.push(...(await checkRateLimit(service)));
  const alive = await exchangeText(`${service.base}/livez`, { method: 'GET' }).catch(() => undefined);
  if (alive?.status !== 200) found.push(`/livez after the attacks: ${alive?.status ?? 'no answer'}`);
  return verdict(
    found,
    `${attacks.length} kinds of attack${limited ? ' and too many requests' : ''} refused, each as JSON`,
  );
}

async function check(service: Service, attack: Attack): Promise<string[]> {
  const answer = await send(service, attack.send).catch((error: Error) => error.message);
  if (typeof answer === 'string') return [`${attack.label}: ${answer}`];
  const body = jsonError(answer);
  if (answer.status !== attack.status) {
    return [`${attack.label}: answered ${answer.status} ${answer.text.slice(0, 80)}, not ${attack.status}`];
  }
  if (typeof body === 'string') return [`${attack.label}: ${body}`];
  if (attack.code !== undefined && body.code !== attack.code) {
    return [`${attack.label}: error ${body.code}, not ${attack.code}`];
  }
  if (attack.header && answer.headers[attack.header] === undefined)
    return [`${attack.label}: no ${attack.header} header`];
  return [];
}

async function checkRateLimit(service: Service): Promise<string[]> {
  for (let sent = 0; sent < PER_MINUTE + 5; sent += 1) {
    const answer = await send(service, { body: INITIALIZE });
    if (answer.status !== 429) continue;
    const body = jsonError(answer);
    if (typeof body === 'string') return [`too many requests: ${body}`];
    return answer.headers['retry-after'] === undefined ? ['too many requests: no Retry-After'] : [];
  }
  return [`too many requests: ${PER_MINUTE + 5} in a minute were let through, the limit is ${PER_MINUTE}`];
}

function send(service: Service, given: Attack['send']) {
  const { path = '/mcp', headers, method = 'POST', body = INITIALIZE } = given;
  const merged = {
    'content-type': 'application/json',
    accept: 'application/json, text/event-stream',
    ...service.headers,
    ...headers,
  };
  return exchangeText(`${service.base}${path}`, {
    method,
    headers: Object.fromEntries(Object.entries(merged).filter(([, value]) => value !== '')),
    ...(method === 'POST' ? { body } : {}),
    signal: AbortSignal.timeout(10_000),
  });
}

/** The JSON-RPC error of a refusal, or what is wrong with the refusal. */
function jsonError(answer: Awaited<ReturnType<typeof exchangeText>>): Record<string, unknown> | string {
  const type = String(answer.headers['content-type'] ?? '');
  if (!type.startsWith('application/json'))
    return `refused with ${type || 'no content type'} instead of JSON`;
  if (/(?:\n|\\n)\s+at /.test(answer.text) || /node_modules/.test(answer.text))
    return 'the refusal shows a stack trace';
  try {
    const value: unknown = JSON.parse(answer.text);
    return isRecord(value) && isRecord(value.error) ? value.error : 'the refusal is no JSON-RPC error';
  } catch {
    return 'the refusal is not JSON';
  }
}
