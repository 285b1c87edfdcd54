/** Starts and stops the servers that are measured. */

import { type ChildProcess, spawn } from 'node:child_process';
import fs from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from './client.js';
import { work } from './places.js';
import { processIds } from './process-tree.js';
import type { Tools } from './projects/prepare.js';
import type { Subject } from './subjects.js';

/** How long a server may take to listen. Milliseconds. */
const patience = 60_000;

export interface Running {
  readonly subject: Subject;
  readonly pid: number;
  readonly client: Client;
  stop(): Promise<void>;
}

/** Starts a server; it listens when this resolves. `nodeOptions` go to it and its children alike. */
export async function start(subject: Subject, tools: Tools, nodeOptions = ''): Promise<Running> {
  const port = await freePort();
  const { args, env } = subject.command(tools, port);
  const logFile = path.join(work, `${subject.id}-${tools}.log`);
  // A file, as a container's log is: what a server writes costs it what it costs in production.
  const log = fs.openSync(logFile, 'w');
  const child = spawn(process.execPath, [...args], {
    cwd: work,
    env: { PATH: process.env['PATH'], ...(nodeOptions && { NODE_OPTIONS: nodeOptions }), ...env },
    stdio: ['ignore', log, log],
  });
  fs.closeSync(log);
  const kill = (): void => killTree(child);
  process.once('exit', kill);
  const client = new Client(subject, tools, port);
  const stop = async (): Promise<void> => {
    await client.close();
    kill();
    process.off('exit', kill);
    if (child.exitCode === null && child.signalCode === null)
      await new Promise((resolve) => child.once('exit', resolve));
  };
  const until = Date.now() + patience;
  while (!(await listens(port))) {
    if (child.exitCode !== null || Date.now() > until) {
      await stop();
      throw new Error(`${subject.id} does not start:\n${fs.readFileSync(logFile, 'utf8').slice(-2000)}`);
    }
    await sleep(2);
  }
  return { subject, pid: child.pid ?? 0, client, stop };
}

/** Ends the process and everything it has started, by id. */
function killTree(child: ChildProcess): void {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  for (const pid of processIds(child.pid)) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // It has ended by itself.
    }
  }
}

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = net.createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as net.AddressInfo;
      server.close(() => resolve(port));
    });
  });
}

function listens(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = net.connect(port, '127.0.0.1');
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}
