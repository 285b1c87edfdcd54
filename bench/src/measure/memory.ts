/** Memory of a server's whole process tree, after collecting garbage. */

import fs from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { work } from '../places.js';
import { processIds, residentBytes } from '../process-tree.js';
import type { Tools } from '../projects/prepare.js';
import { type Running, start } from '../running.js';
import type { Subject } from '../subjects.js';
import { load } from './load.js';

/** In megabytes (1024 × 1024 bytes). */
export interface Memory {
  readonly subject: string;
  readonly tools: Tools;
  readonly idle: number;
  readonly afterLoad: number;
  /** Of each further session; undefined where there are none. */
  readonly perSession: number | undefined;
}

/** Lets the measuring side ask any Node process for a full collection. */
const collector = `import v8 from 'node:v8';
import vm from 'node:vm';
v8.setFlagsFromString('--expose-gc');
const collect = vm.runInNewContext('gc');
process.on('SIGUSR2', () => { collect(); collect(); });
`;

/** Measures a fresh server. `sessions` is how many are opened; a tenth of it is opened before the first look. */
export async function measureMemory(
  subject: Subject,
  tools: Tools,
  { sessions, requests }: { sessions: number; requests: number },
): Promise<Memory> {
  const hook = path.join(work, 'collect-on-signal.mjs');
  fs.writeFileSync(hook, collector);
  const server = await start(subject, tools, `--import "${hook}"`);
  try {
    const idle = await settled(server);
    await load(server, { method: 'tools/call', concurrency: 16, milliseconds: 10_000, most: requests });
    const afterLoad = await settled(server);
    return { subject: subject.id, tools, idle, afterLoad, perSession: await perSession(server, sessions) };
  } finally {
    await server.stop();
  }
}

async function perSession(server: Running, sessions: number): Promise<number | undefined> {
  if (!server.subject.stateful) return undefined;
  const first = 16 + Math.ceil(sessions / 10);
  await server.client.reconnect();
  await server.client.openSessions(first);
  const before = await settled(server);
  await server.client.reconnect();
  await server.client.openSessions(first + sessions);
  return ((await settled(server)) - before) / sessions;
}

async function settled({ pid }: Running): Promise<number> {
  await sleep(200);
  for (const each of processIds(pid)) process.kill(each, 'SIGUSR2');
  await sleep(500);
  return residentBytes(pid) / 1024 / 1024;
}
