import { type ResourceLimits, Worker } from 'node:worker_threads';
import type { Logger } from 'pino';
import type { ServerLoader } from './mcp.js';
import { originOf } from './message-origin.js';
import type { JSONRPCMessage, Transport } from './sdk.js';
import { credentialHeaders, workerFile } from './server-factory.js';
import { currentScope } from './session-scope.js';
import type { FromWorker, ToWorker } from './session-worker.js';
import { whole } from './settings.js';

export const workerSettings = {
  /** Each of them is a worker with the server's modules in its memory. */
  MAX_SESSIONS: whole(50, 1),
  /** What the heap of a session's worker may grow to; beyond it, its session ends. */
  SESSION_MEMORY_MB: whole(256, 16),
};

/** How long a worker may take to clean up after its session. */
const patienceMs = 5000;

/** Every session's server runs in a worker, which loads the project's modules anew: they are shared with nobody. */
export const loadInWorkers: ServerLoader = async ({ config, logger }) => {
  const running = new Set<SessionWorker>();
  const limits = { maxOldGenerationSizeMb: config.SESSION_MEMORY_MB };
  async function createServer(): Promise<SessionWorker> {
    const worker = new SessionWorker(logger, limits);
    running.add(worker);
    void worker.exited.then(() => {
      running.delete(worker);
      logger.debug({ workers: running.size }, 'A worker has ended');
    });
    await worker.heard('loaded');
    return worker;
  }
  // Better now than when the first client comes: does the project load? With a client's credentials only it can tell.
  if (credentialHeaders.length === 0) await (await createServer()).end();
  return {
    createServer,
    async close() {
      await Promise.all([...running].map((worker) => worker.end()));
    },
  };
};

/** One session's server, seen from the service. The worker ends with the session, and the session with the worker. */
class SessionWorker {
  /** Resolves when the worker is gone. */
  readonly exited: Promise<void>;
  readonly #worker: Worker;
  #logger: Logger;
  #transport: Transport | undefined;
  #awaited: { signal: FromWorker; resolve: () => void; reject: (error: Error) => void } | undefined;
  #ending: Promise<void> | undefined;
  #isGone = false;

  constructor(logger: Logger, resourceLimits: ResourceLimits) {
    this.#logger = logger;
    // With `stdin: true` nothing is ever read there, and it does not end either.
    const standardStreams = { stdin: true, stdout: true, stderr: true };
    const worker = new Worker(workerFile, {
      argv: process.argv.slice(2),
      env: environmentOfClient(),
      resourceLimits,
      ...standardStreams,
    });
    this.#worker = worker;
    worker.stdout.on('data', (text: Buffer) => this.#logger.info(String(text).trimEnd()));
    worker.stderr.on('data', (text: Buffer) => this.#logger.error(String(text).trimEnd()));
    worker.on('message', (message: FromWorker) => this.#receive(message));
    worker.on('error', (error) =>
      this.#logger.error({ err: error }, 'Uncaught exception in a worker; its session ends'),
    );
    this.exited = new Promise((resolve) => worker.once('exit', resolve as () => void));
    void this.exited.then(() => {
      this.#isGone = true;
      this.#awaited?.reject(endedEarly());
      return this.#transport?.close();
    });
  }

  /** Waits for a signal of the worker. Rejects when it ends instead. */
  heard(signal: FromWorker): Promise<void> {
    if (this.#isGone) return Promise.reject(endedEarly());
    return new Promise((resolve, reject) => {
      this.#awaited = { signal, resolve, reject };
    });
  }

  /** Builds the session's server in the worker and connects it to `transport`. */
  async connect(transport: Transport): Promise<void> {
    this.#logger = this.#logger.child({ session_id: transport.sessionId });
    this.#transport = transport;
    const closed = transport.onclose;
    transport.onclose = () => {
      closed?.();
      void this.end();
    };
    transport.onmessage = (message, extra) => this.#post({ message, origin: originOf(extra) });
    this.#post('connect');
    await this.heard('connected');
  }

  /** Ends the worker, which cleans up first. */
  end(): Promise<void> {
    this.#ending ??= this.#end();
    return this.#ending;
  }

  async #end(): Promise<void> {
    this.#post('end');
    const timer = setTimeout(() => void this.#worker.terminate(), patienceMs);
    await this.exited;
    clearTimeout(timer);
  }

  #post(message: ToWorker): void {
    this.#worker.postMessage(message);
  }

  #receive(message: FromWorker): void {
    if (message === 'closed') {
      void this.#transport?.close();
    } else if (typeof message === 'string') {
      if (message !== this.#awaited?.signal) return;
      this.#awaited.resolve();
      this.#awaited = undefined;
    } else if ('failed' in message) {
      this.#awaited?.reject(new Error(message.failed));
    } else {
      const options = message.related === undefined ? {} : { relatedRequestId: message.related };
      void this.#transport?.send(message.message as JSONRPCMessage, options);
    }
  }
}

const endedEarly = (): Error =>
  new Error('The server ended while it was starting; see what it printed above');

/** The environment, with what the current client has sent in place of variables in it. */
function environmentOfClient(): NodeJS.ProcessEnv {
  const environment = { ...process.env };
  for (const [name, value] of currentScope()?.credentials ?? []) {
    if (value === undefined) delete environment[name];
    else environment[name] = value;
  }
  return environment;
}
