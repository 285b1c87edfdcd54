import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import net, { type AddressInfo } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { until } from '../runtime/service.js';

/** A program of the machine that a test runs, restarts and stops; it listens on loopback. */
export interface Program {
  readonly port: number;
  start(): Promise<void>;
  stop(signal?: NodeJS.Signals): Promise<void>;
  /** Takes it away without its consent: SIGKILL ends it, SIGSTOP leaves its connections open and unanswered. */
  interrupt(signal: 'SIGKILL' | 'SIGSTOP'): Promise<void>;
  /** Has it back, however it was interrupted. */
  resume(): Promise<void>;
}

/** A port that nobody listens on at this moment. */
export async function freePort(): Promise<number> {
  const server = net.createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

const accepts = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = net.connect(port, '127.0.0.1');
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
    socket.once('connect', () => socket.destroy());
  });

/** Runs `command` until `stop`; `start` returns when it accepts connections on `port`. */
function program(port: number, command: string, args: readonly string[], uid?: number): Program {
  let child: ChildProcess | undefined;
  let output = '';
  const own: Program = {
    port,
    async start() {
      const identity = uid === undefined ? {} : { uid, gid: uid };
      child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'], ...identity });
      for (const stream of [child.stdout, child.stderr]) {
        stream?.on('data', (chunk) => {
          output += chunk;
        });
      }
      const failed = new Promise<never>((_, reject) => {
        child?.once('error', reject);
        child?.once('exit', (code) => reject(new Error(`${command} ended with ${code}: ${output}`)));
      });
      failed.catch(() => undefined);
      await Promise.race([until(() => accepts(port), 20_000), failed]);
    },
    async stop(signal = 'SIGTERM') {
      const running = child;
      child = undefined;
      if (!running || running.exitCode !== null || running.signalCode !== null) return;
      const ended = new Promise((resolve) => running.once('exit', resolve));
      running.kill(signal);
      await ended;
    },
    async interrupt(signal) {
      if (signal === 'SIGKILL') await own.stop(signal);
      else child?.kill(signal);
    },
    async resume() {
      if (child) child.kill('SIGCONT');
      else await own.start();
    },
  };
  return own;
}

/** Debian's Redis, without anything on disk. */
export async function redisServer(): Promise<Program> {
  const port = await freePort();
  const flags = `--port ${port} --bind 127.0.0.1 --appendonly no --dir ${os.tmpdir()}`.split(' ');
  return program(port, 'redis-server', [...flags, '--save', '']);
}

/** Debian's HAProxy with this configuration. */
export const haproxyServer = (port: number, configuration: string): Program =>
  program(port, 'haproxy', ['-db', '-f', configuration]);

/** Debian's nginx with this configuration. */
export const nginxServer = (port: number, configuration: string): Program =>
  program(port, 'nginx', ['-c', configuration, '-g', 'daemon off;']);

/** Debian's PostgreSQL with a fresh cluster; `remove` deletes the cluster. It does not run as root. */
export async function postgresServer(): Promise<Program & { readonly url: string; remove(): void }> {
  const root = '/usr/lib/postgresql';
  const [version] = fs.readdirSync(root).sort().reverse();
  const bin = path.join(root, version ?? '', 'bin');
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'mcp-pg-'));
  const isRoot = process.getuid?.() === 0;
  const uid = isRoot ? Number(spawnSync('id', ['-u', 'postgres'], { encoding: 'utf8' }).stdout) : undefined;
  if (uid !== undefined) fs.chownSync(folder, uid, uid);
  const identity = uid === undefined ? {} : { uid, gid: uid };
  const made = spawnSync(
    path.join(bin, 'initdb'),
    ['--pgdata', `${folder}/data`, '--auth', 'trust', '--username', 'mcp', '--no-sync'],
    { encoding: 'utf8', cwd: folder, ...identity },
  );
  if (made.status !== 0) throw new Error(`initdb: ${made.error ?? ''}${made.stdout}${made.stderr}`);
  const port = await freePort();
  const settings = [
    'listen_addresses=127.0.0.1',
    `port=${port}`,
    `unix_socket_directories=${folder}`,
    'fsync=off',
  ];
  const flags = settings.flatMap((entry) => ['-c', entry]);
  const server = program(port, path.join(bin, 'postgres'), ['-D', `${folder}/data`, ...flags], uid);
  return {
    ...server,
    url: `postgres://mcp@127.0.0.1:${port}/postgres`,
    // SIGINT is its fast shutdown: clients are disconnected.
    stop: (signal = 'SIGINT') => server.stop(signal),
    remove: () => fs.rmSync(folder, { recursive: true, force: true }),
  };
}
