import { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from 'pino';
import { currentScope } from './session-scope.js';

/**
 * A stdio server owns its process: it may leave when stdin ends, when its parent does, on a signal, or by
 * `process.exit`. Here many clients share the process, so those means are taken from the project's code and kept for
 * the shutdown.
 */

/** What asks a program to end, the usual first. */
const signals = ['SIGTERM', 'SIGINT', 'SIGHUP'];
const ownedEvents = new Set([...signals, 'uncaughtException', 'unhandledRejection']);
const registrations = ['on', 'once', 'addListener', 'prependListener', 'prependOnceListener'] as const;
const removals = ['off', 'removeListener', 'removeAllListeners'] as const;

type Listener = (...args: unknown[]) => unknown;

const leave = process.exit.bind(process) as (code?: number) => never;

/** Ends the process for real; the project's own `process.exit` does not get here. */
export const exitProcess = (code: number): never => leave(code) as never;

/** Thrown by `process.exit` where it must not end the process: what follows it must not run either. */
export class ProcessExit extends Error {
  constructor() {
    super('The server tried to end its process');
  }
}

export interface ProcessGuard {
  /** From now on `process.exit` in the project's code no longer ends the process by itself. */
  serving(onExit: (code: number) => void): void;
  /** Does what the project's own signal handlers would have done, up to their `process.exit`. */
  cleanUp(): Promise<void>;
}

/** Installs the guard; called before the project's code is loaded, after our own listeners. */
export function guardProcess(logger: Logger, flush: () => void): ProcessGuard {
  ignoreStdin();
  keepParent();
  const handlers = withholdListeners((event) =>
    logger.info(`The server's own ${event} handler is not installed: the service shuts down in order`),
  );
  process.exit = ((code?: number) => {
    logger.fatal({ code }, 'The server called process.exit while it was loading; see what it printed above');
    flush();
    return leave(Number(code) || 1);
  }) as typeof process.exit;
  return {
    serving(onExit) {
      process.exit = ((code?: number) => {
        if (currentScope()) {
          logger.error({ code }, 'A request called process.exit; it fails, and the service goes on');
          throw new ProcessExit();
        }
        logger.error({ code }, 'The server called process.exit; shutting down');
        onExit(Number(code) || 0);
      }) as typeof process.exit;
    },
    async cleanUp() {
      let exited = (): void => undefined;
      const exit = new Promise<void>((resolve) => {
        exited = resolve;
      });
      process.exit = (() => {
        exited();
        throw new ProcessExit();
      }) as typeof process.exit;
      await handlers.run(exit);
    },
  };
}

/** stdin of a service is closed or empty: code that reads it must neither see its end nor hold the process open. */
function ignoreStdin(): void {
  const silent = Object.assign(new Readable({ read: () => undefined }), {
    fd: 0,
    isTTY: false,
    ref: () => silent,
    unref: () => silent,
    setRawMode: () => silent,
  });
  Object.defineProperty(process, 'stdin', { configurable: true, value: silent });
}

/**
 * A stdio server may watch whether the program that started it is still there: by `process.ppid`, which changes or is 1
 * then, or by signal 0. Who started a service may leave, and in a container it is process 1 from the beginning.
 */
export function keepParent(): void {
  const parent = Math.max(process.ppid, 2);
  const kill = process.kill.bind(process);
  Object.defineProperty(process, 'ppid', { configurable: true, get: () => parent });
  process.kill = (pid, signal) => (pid === parent && signal === 0) || kill(pid, signal);
}

/** How long handlers that have returned may take until they call `process.exit`. */
const patienceMs = 2000;

/** The project's signal handlers, which are not installed but run at the end. */
export class SignalHandlers {
  /** By signal, then by their text: each server of a class registers the same again, and it shall run once. */
  readonly #listeners = new Map<string, Map<string, Listener>>();

  add(signal: string, listener: Listener): void {
    const known = this.#listeners.get(signal) ?? new Map<string, Listener>();
    this.#listeners.set(signal, known.set(textOf(listener), listener));
  }

  remove(signal: string, listener: Listener | undefined): void {
    const known = this.#listeners.get(signal);
    if (!listener) known?.clear();
    else if (known?.get(textOf(listener)) === listener) known.delete(textOf(listener));
  }

  /**
   * Runs the handlers of one signal, as if it had come. Resolves when they have called `process.exit` (`exit`
   * resolves), or have not done so for a while after they returned. Rejects when one fails.
   */
  async run(exit: Promise<void>): Promise<void> {
    const signal = signals.find((name) => this.#listeners.get(name)?.size);
    const listeners = [...(this.#listeners.get(signal ?? '')?.values() ?? [])];
    if (listeners.length === 0) return;
    const work = Promise.all(listeners.map((listener) => settled(listener, signal)));
    await Promise.race([exit, work.then(() => sleep(patienceMs, undefined, { ref: false }))]);
  }
}

/** Bound functions have no text of their own, but a name. */
const textOf = (listener: Listener): string => `${listener.name} ${listener}`;

async function settled(listener: Listener, signal: unknown): Promise<void> {
  try {
    await listener(signal);
  } catch (error) {
    if (!(error instanceof ProcessExit)) throw error;
  }
}

/** Keeps the project's code from listening to what the service decides. `onWithheld` learns of each event once. */
export function withholdListeners(onWithheld: (event: string) => void): SignalHandlers {
  const handlers = new SignalHandlers();
  const said = new Set<string>();
  for (const registration of registrations) {
    const register = process[registration].bind(process) as (event: string, listener: Listener) => unknown;
    const guarded = (event: string, listener: Listener): unknown => {
      if (!ownedEvents.has(event)) return register(event, listener);
      if (!said.has(event)) onWithheld(event);
      said.add(event);
      if (signals.includes(event)) handlers.add(event, listener);
      return process;
    };
    Object.assign(process, { [registration]: guarded });
  }
  for (const removal of removals) {
    const remove = process[removal].bind(process) as (event?: string, listener?: Listener) => unknown;
    const guarded = (event?: string, listener?: Listener): unknown => {
      if (event === undefined || !ownedEvents.has(event)) return remove(event, listener);
      handlers.remove(event, listener);
      return process;
    };
    Object.assign(process, { [removal]: guarded });
  }
  return handlers;
}
