import type { Agent } from 'node:http';
import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Exit } from '../../exec.js';
import { ALPHA } from '../baseline.js';
import { isRecord } from '../canonical.js';
import { PROTOCOL_VERSION } from '../client/client.js';
import { exchangeText, ownConnections } from '../client/http-exchange.js';
import { lastLines } from '../client/stdio-channel.js';
import { missingDependencies } from '../site.js';
import { skip, type Verdict, verdict } from '../verification.js';
import type { HttpClient, Service, Workbench } from '../workbench.js';

/** Calls that are on their way when the signal comes. */
const IN_FLIGHT = 24;
/** The longest a drain may take from the signal to the end of the process. */
const DRAIN_MS = 20_000;

/** Probes answer, a closed stdin ends nothing, and SIGTERM loses nothing. */
export async function checkLifecycle(bench: Workbench): Promise<Verdict> {
  if (process.platform === 'win32') return skip('Windows has no SIGTERM');
  const service = await bench.startService(); // with an stdin that has already ended
  await sleep(300);
  const probes = await checkProbes(service, missingDependencies(bench.site).length > 0);
  const drain = probes.length > 0 ? { found: [], ms: 0 } : await checkDrain(service);
  return verdict(
    [...probes, ...drain.found],
    `probes answer, serves without stdin, SIGTERM with ${IN_FLIGHT + 1} calls in flight and a stream open lost none, exit 0 after ${Math.round(drain.ms)} ms`,
  );
}

/** @param alone the service has databases that are not there: it may say that it is not ready. */
async function checkProbes(service: Service, alone: boolean): Promise<string[]> {
  const found: string[] = [];
  const health = await get(service, '/health');
  const body = parse(health.text);
  if (health.status !== 200 || !isRecord(body))
    found.push(`/health: ${health.status} ${health.text.slice(0, 80)}`);
  else {
    if (!['healthy', 'degraded'].includes(String(body.status))) found.push(`/health: status ${body.status}`);
    if (typeof body.version !== 'string') found.push('/health: no version');
    if (typeof body.uptime !== 'number') found.push('/health: no uptime');
  }
  for (const path of ['/livez', '/readyz']) {
    const { status, text } = await get(service, path);
    if (path === '/readyz' && alone && status === 503) continue;
    if (status !== 200) found.push(`${path}: ${status} ${text.slice(0, 80)}`);
  }
  return found;
}

async function checkDrain(service: Service): Promise<{ found: string[]; ms: number }> {
  const client = await service.open(ALPHA);
  const half = await sendHalf(service);
  const callAll = () =>
    Array.from({ length: IN_FLIGHT }, () => client.request('tools/list', undefined, DRAIN_MS));
  await Promise.all(callAll()); // connections that the server has accepted: those still at its door are not its own
  const balancer = ownConnections();
  await get(service, '/readyz', balancer);
  const calls = callAll();
  await sleep(5); // the last call has left
  const begun = performance.now();
  service.program.signal('SIGTERM');
  const readiness = watchReadiness(service, balancer).finally(() => balancer.destroy());
  await sleep(100);
  half.finish();
  const [outcomes, answered, exit] = await Promise.all([
    Promise.all(calls),
    half.answer,
    Promise.race([service.program.exited, sleep(DRAIN_MS, undefined, { ref: false })]),
  ]);
  const ms = performance.now() - begun;
  const lost = outcomes.filter((outcome) => 'error' in outcome && typeof outcome.error.code === 'string');
  const found = [
    ...(lost.length > 0
      ? [`${lost.length} of ${IN_FLIGHT} calls in flight at SIGTERM were lost: ${reason(lost[0])}`]
      : []),
    ...answered,
    ...exitFindings(exit ?? undefined, service),
    ...(await readiness),
    ...(await streamFindings(client)),
  ];
  await client.close();
  return { found, ms };
}

const reason = (outcome: unknown) => JSON.stringify(outcome).slice(0, 160);

function exitFindings(exit: Exit | undefined, { program }: Service): string[] {
  if (!exit) return [`still running ${DRAIN_MS / 1000} s after SIGTERM`];
  if (exit.code === 0) return [];
  return [`SIGTERM ended it with ${exit.signal ?? `exit ${exit.code}`}: ${lastLines(program.output())}`];
}

async function streamFindings({ channel }: HttpClient): Promise<string[]> {
  const end = await Promise.race([channel.streamEnd, sleep(1000, 'open' as const, { ref: false })]);
  return end === 'broken' ? ['the open notification stream was cut off instead of ended'] : [];
}

/** During the drain a balancer must see 503 before connections are refused; a process that says nothing is no lie. */
async function watchReadiness(service: Service, balancer: Agent): Promise<string[]> {
  let ready = 0;
  for (const until = Date.now() + DRAIN_MS; Date.now() < until; await sleep(25)) {
    const answer = await get(service, '/readyz', balancer).catch(() => undefined);
    if (!answer) break;
    if (answer.status === 503) return [];
    ready += 1;
  }
  return ready > 0 ? ['/readyz: 200 after SIGTERM until the end, so a balancer keeps sending'] : [];
}

/**
 * A call whose head and half of the body have been sent: in flight however fast the server is. It may be
 * answered, or refused in so many words; the connection must not be cut.
 */
async function sendHalf(service: Service): Promise<{ finish: () => void; answer: Promise<string[]> }> {
  const { hostname, port } = new URL(service.base);
  const body = JSON.stringify({
    jsonrpc: '2.0',
    id: 1,
    method: 'initialize',
    params: {
      protocolVersion: PROTOCOL_VERSION,
      capabilities: {},
      clientInfo: { name: 'half', version: '1' },
    },
  });
  const headers = {
    host: `${hostname}:${port}`,
    'content-type': 'application/json',
    accept: 'application/json, text/event-stream',
    'content-length': String(body.length),
    connection: 'close',
    ...service.headers,
  };
  const head = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  const socket = connect(Number(port), hostname);
  const answer = readAnswer(socket);
  socket.write(`POST /mcp HTTP/1.1\r\n${head.join('')}\r\n${body.slice(0, 20)}`);
  await sleep(150); // the server has read the head
  return { finish: () => void socket.write(body.slice(20)), answer };
}

function readAnswer(socket: Socket): Promise<string[]> {
  const lost = 'a call that was half sent at SIGTERM was cut off instead of answered';
  return new Promise((resolve) => {
    let text = '';
    socket.setTimeout(DRAIN_MS, () => socket.destroy());
    socket.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk;
    });
    socket.on('error', () => {});
    socket.on('close', () =>
      resolve(/^HTTP\/1\.1 (200|503)/.test(text) ? [] : [text ? `${lost}: ${text.split('\r\n')[0]}` : lost]),
    );
  });
}

const get = (service: Service, path: string, agent?: Agent) =>
  exchangeText(`${service.base}${path}`, {
    method: 'GET',
    signal: AbortSignal.timeout(5000),
    ...(agent ? { agent } : {}),
  });

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
