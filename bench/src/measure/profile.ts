/** Where a converted server spends its time: V8's sampling profile, summed up by layer. */

import fs from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { work } from '../places.js';
import type { Tools } from '../projects/prepare.js';
import { start } from '../running.js';
import type { Subject } from '../subjects.js';
import { load } from './load.js';

export interface LayerShare {
  readonly layer: string;
  /** Of the time in which the process was not idle; from 0 to 1. */
  readonly share: number;
}

/** Lets the measuring side begin and end a profile of a Node process: one signal each. */
const profiler = (file: string): string => `import fs from 'node:fs';
import { Session } from 'node:inspector/promises';
const session = new Session();
session.connect();
let profiling = false;
process.on('SIGUSR2', async () => {
  if (!profiling) {
    profiling = true;
    await session.post('Profiler.enable');
    await session.post('Profiler.setSamplingInterval', { interval: 200 });
    await session.post('Profiler.start');
  } else {
    const { profile } = await session.post('Profiler.stop');
    fs.writeFileSync(${JSON.stringify(`${file}.part`)}, JSON.stringify(profile));
    fs.renameSync(${JSON.stringify(`${file}.part`)}, ${JSON.stringify(file)});
  }
});
`;

interface ProfileNode {
  readonly id: number;
  readonly callFrame: { readonly functionName: string; readonly url: string };
  readonly children?: readonly number[];
}

interface Profile {
  readonly nodes: readonly ProfileNode[];
  readonly samples: readonly number[];
  readonly timeDeltas: readonly number[];
}

/** Profiles `tools/call` in a fresh server that was warmed up; 16 requests at a time. */
export async function profileCalls(
  subject: Subject,
  tools: Tools,
  { requests, warmUp }: { requests: number; warmUp: number },
): Promise<LayerShare[]> {
  const file = path.join(work, 'calls.cpuprofile');
  const hook = path.join(work, 'profile-on-signal.mjs');
  fs.rmSync(file, { force: true });
  fs.writeFileSync(hook, profiler(file));
  const server = await start(subject, tools, `--import "${hook}"`);
  const batch = { method: 'tools/call', concurrency: 16, milliseconds: 60_000 } as const;
  try {
    await load(server, { ...batch, most: warmUp });
    process.kill(server.pid, 'SIGUSR2');
    await sleep(200);
    await load(server, { ...batch, most: requests });
    process.kill(server.pid, 'SIGUSR2');
    for (let waited = 0; !fs.existsSync(file) && waited < 10_000; waited += 50) await sleep(50);
    return sharesOf(JSON.parse(fs.readFileSync(file, 'utf8')) as Profile);
  } finally {
    await server.stop();
  }
}

/** What a frame belongs to, by where its code is; the first that fits. Node's own code belongs to whoever calls it. */
const layers: readonly (readonly [RegExp, string])[] = [
  [/\(garbage collector\)/, 'garbage collection'],
  [/async_hooks|promiseInitHook|promiseBeforeHook|promiseAfterHook|promiseResolveHook/, 'AsyncLocalStorage'],
  [/node_modules\/zod\//, 'zod: reading requests and arguments'],
  [/node_modules\/@modelcontextprotocol\//, 'the SDK’s server and protocol'],
  [/node_modules\/(?:pino|sonic-boom|@pinojs|safe-stable|quick-format)|\/http\/logger\./, 'the log line'],
  [/\/http\/auth-/, 'authentication'],
  [/node_modules\/rate-limiter|\/http\/rate-limit\./, 'rate limits'],
  [/\/dist\/http\//, 'the service’s own modules'],
  [/\/dist\//, 'the tool itself'],
  [/node:_http|node:net|node:internal\/(?:stream|http)|writev|parserOn/, 'node:http and sockets'],
];
const elsewhere = 'the rest of Node: event loop, microtasks';

/** HTTP's own frames come before those of who writes: sending an answer is the limit's work as well. */
const sends = /^node:(?:_http_outgoing|net|_http_server)/;

function sharesOf({ nodes, samples, timeDeltas }: Profile): LayerShare[] {
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const parents = new Map(
    nodes.flatMap((node) => (node.children ?? []).map((child) => [child, node] as const)),
  );
  const spent = new Map<string, number>();
  let busy = 0;
  for (const [index, id] of samples.entries()) {
    const leaf = byId.get(id);
    if (!leaf || leaf.callFrame.functionName === '(idle)') continue;
    const time = timeDeltas[index] ?? 0;
    busy += time;
    const layer = layerOf(leaf, parents);
    spent.set(layer, (spent.get(layer) ?? 0) + time);
  }
  return [...spent]
    .map(([layer, time]) => ({ layer, share: time / busy }))
    .sort((one, other) => other.share - one.share);
}

function layerOf(leaf: ProfileNode, parents: ReadonlyMap<number, ProfileNode>): string {
  for (let node: ProfileNode | undefined = leaf; node; node = parents.get(node.id)) {
    const { functionName, url } = node.callFrame;
    if (sends.test(url)) return 'node:http and sockets';
    const found = layers.find(([pattern]) => pattern.test(url) || pattern.test(functionName));
    if (found) return found[1];
  }
  return elsewhere;
}
