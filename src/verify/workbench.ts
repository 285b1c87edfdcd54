import { randomUUID } from 'node:crypto';
import { createServer } from 'node:net';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { copyProject, type PrivateDirectory, privateDirectory } from '../disk/private-directory.js';
import { type Running, startProcess } from '../exec.js';
import { type Client, connectClient } from './client/client.js';
import { type HttpChannel, httpChannel } from './client/http-channel.js';
import { exchangeText } from './client/http-exchange.js';
import { lastLines, stdioChannel } from './client/stdio-channel.js';
import { type Credentials, credentialsFor } from './credentials.js';
import { credentialsOf, dependencySettings, environmentOf, type Site, scriptsOf } from './site.js';

/** The longest a server may take to answer its first request. */
const START_MS = 45_000;

/** A client of the HTTP service with the channel it speaks through. */
export interface HttpClient extends Client {
  readonly channel: HttpChannel;
}

/** The generated HTTP service, running on a port of its own. */
export interface Service {
  /** `http://127.0.0.1:<port>` */
  readonly base: string;
  readonly url: string;
  readonly program: Running;
  /** Headers that authenticate a request; empty without authentication. */
  readonly headers: Readonly<Record<string, string>>;
  /** The same for a client with credentials of its own. */
  readonly headersOf: (word: string) => Readonly<Record<string, string>>;
  readonly open: (word: string) => Promise<HttpClient>;
}

/** Where programs run: those of one occasion see what the others wrote, nobody else does. */
export interface Occasion {
  /** A private directory that serves as HOME and holds temporary files. */
  readonly home: string;
  /** The project, or a copy of it. */
  readonly root: string;
}

/** Starts what is verified, and ends all of it. */
export interface Workbench {
  readonly site: Site;
  readonly occasion: () => Occasion;
  /** A client with a stdio process of its own. */
  readonly openStdio: (word: string, at: Occasion) => Promise<Client>;
  readonly startService: (settings?: Readonly<Record<string, string>>) => Promise<Service>;
  /** Ends every process that was started so far. */
  readonly stopAll: () => Promise<void>;
  /** Ends every process and deletes every directory; called once, whatever happened. */
  readonly dispose: () => Promise<void>;
}

/** Limits that verification itself never meets, and a drain that it can watch. */
const GENEROUS = {
  RATE_LIMIT_PER_MINUTE: '1000000',
  RATE_LIMIT_PER_HOUR: '10000000',
  SHUTDOWN_DELAY_MS: '600',
  LOG_LEVEL: 'info',
  METRICS_PORT: '0',
};

/**
 * @param copies gives every occasion a copy of the project, for tools that write: each starts from the same files,
 *   and the project itself stays as it is.
 */
export function openWorkbench(site: Site, { copies = false } = {}): Workbench {
  const homes: PrivateDirectory[] = [];
  const programs: Running[] = [];
  const credentials: Credentials[] = [];

  const occasion = (): Occasion => {
    const { root } = site.project;
    const home = privateDirectory();
    homes.push(home);
    if (!copies) return { home: home.path, root };
    const elsewhere = privateDirectory();
    homes.push(elsewhere);
    return { home: home.path, root: copyProject(root, elsewhere.path) };
  };

  async function openStdio(word: string, { home, root }: Occasion): Promise<Client> {
    const { command, args } = entryCommand(site, root);
    const own = credentialsOf(site, word).map(({ variable, value }) => [variable, value]);
    const env = { ...environmentOf(site, home), ...Object.fromEntries(own) };
    const program = startProcess(command, args, { cwd: root, env, input: 'pipe' });
    programs.push(program);
    return connectClient(stdioChannel(program), word, START_MS);
  }

  async function startService(settings: Readonly<Record<string, string>> = {}): Promise<Service> {
    const script = scriptsOf(site.project)['start:http'];
    if (!script) throw new Error('package.json has no script start:http');
    const access = await credentialsFor(site.options.auth, site.env.AUTH_SCOPES ?? '');
    credentials.push(access);
    const base = `http://127.0.0.1:${await freePort()}`;
    const { command, args, env } = parseScript(script);
    const { home, root } = occasion();
    const ambient = environmentOf(site, home);
    // Clients bring them; what is in the environment must not take their place.
    for (const { variable } of credentialsOf(site, '')) delete ambient[variable];
    const program = startProcess(command, args, {
      cwd: root,
      env: {
        ...ambient,
        ...GENEROUS,
        ...dependencySettings(site),
        REDIS_PREFIX: `verify-${randomUUID()}`, // counts of other services are not ours
        ...env,
        ...access.settings,
        PORT: new URL(base).port,
        HOST: '127.0.0.1',
        ...settings,
      },
      input: 'closed',
    });
    programs.push(program);
    await answers(`${base}/health`, program);
    const url = `${base}/mcp`;
    const headersOf = (word: string) => ({
      ...access.headers,
      ...Object.fromEntries(credentialsOf(site, word).map(({ header, value }) => [header, value] as const)),
    });
    return {
      base,
      url,
      program,
      headers: headersOf('verify'),
      headersOf,
      open: async (word) => {
        const channel = httpChannel(() => url, headersOf(word));
        return { ...(await connectClient(channel, word, START_MS)), channel };
      },
    };
  }

  const stopAll = async () => {
    await Promise.all(programs.splice(0).map((program) => program.stop()));
  };

  return {
    site,
    occasion,
    openStdio,
    startService,
    stopAll,
    dispose: async () => {
      await stopAll();
      await Promise.all(credentials.map((each) => each.close()));
      for (const created of homes) created.remove();
    },
  };
}

/** How the stdio entry is run, by what runs it. */
function entryCommand({ inspection, options }: Site, root: string): { command: string; args: string[] } {
  if (!inspection.entry) throw new Error('the stdio entry was not found');
  const file = path.join(root, inspection.entry.output);
  const before: Readonly<Record<typeof inspection.build.runner, readonly string[]>> = {
    node: [process.execPath],
    'node-types': [process.execPath, ...stripTypes()],
    tsx: ['tsx'],
    bun: ['bun'],
  };
  const [command = process.execPath, ...args] = before[inspection.build.runner];
  return { command, args: [...args, file, ...options.args] };
}

/** Node 22 strips types only when asked; from 23.6 on it does so by itself. */
const stripTypes = () => (process.version.startsWith('v22.') ? ['--experimental-strip-types'] : []);

/**
 * A package.json script as program, arguments and leading `NAME=value` settings. Run without a shell or the
 * package manager's wrapper, so that signals reach the server itself; what only a shell understands goes to one.
 */
export function parseScript(script: string): {
  command: string;
  args: string[];
  env: Record<string, string>;
} {
  if (/[|&;<>$`(){}*?~]/.test(script)) return { command: 'sh', args: ['-c', script], env: {} };
  const words = [...script.matchAll(/(?:"[^"]*"|'[^']*'|[^\s"'])+/g)].map(([word]) =>
    word.replace(/["']/g, ''),
  );
  const first = words.findIndex((word) => !/^[A-Za-z_]\w*=/.test(word));
  const settings = words.slice(0, first).map((word) => {
    const at = word.indexOf('=');
    return [word.slice(0, at), word.slice(at + 1)];
  });
  const [command = '', ...args] = words.slice(first);
  return {
    command: command === 'node' ? process.execPath : command,
    args,
    env: Object.fromEntries(settings) as Record<string, string>,
  };
}

/** A port that was free a moment ago. */
function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.on('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() =>
        typeof address === 'object' && address ? resolve(address.port) : reject(new Error('no port')),
      );
    });
  });
}

async function answers(url: string, program: Running): Promise<void> {
  let ended: string | undefined;
  void program.exited.then(({ code, signal }) => {
    ended = `the HTTP service ended at start (${signal ?? `exit ${code}`}): ${lastLines(program.output())}`;
  });
  for (const until = Date.now() + START_MS; Date.now() < until && !ended; ) {
    const answer = await exchangeText(url, { method: 'GET', signal: AbortSignal.timeout(2000) }).catch(
      () => undefined,
    );
    if (answer) return;
    await sleep(50);
  }
  throw new Error(ended ?? `the HTTP service does not answer: ${lastLines(program.output())}`);
}
