import { Readable } from 'node:stream';
import type { Logger } from 'pino';
import { currentScope } from './session-scope.js';

/**
 * A stdio server owns its process: it may leave when stdin ends, on a signal, or by `process.exit`. Here many clients
 * share the process, so those means are taken from the project's code and kept for the shutdown.
 */

const ownedEvents = new Set(['SIGINT', 'SIGTERM', 'SIGHUP', 'uncaughtException', 'unhandledRejection']);
const registrations = ['on', 'once', 'addListener', 'prependListener', 'prependOnceListener'] as const;
const leave = process.exit.bind(process) as (code?: number) => never;

/** Ends the process for real; the project's own `process.exit` does not get here. */
export const exitProcess = (code: number): never => leave(code) as never;

export interface ProcessGuard {
  /** From now on `process.exit` in the project's code no longer ends the process by itself. */
  serving(onExit: (code: number) => void): void;
}

/** Installs the guard; called before the project's code is loaded, after our own listeners. */
export function guardProcess(logger: Logger, flush: () => void): ProcessGuard {
  ignoreStdin();
  ignoreListeners(logger);
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
          throw new Error('The server tried to end its process');
        }
        logger.error({ code }, 'The server called process.exit; shutting down');
        onExit(Number(code) || 0);
      }) as typeof process.exit;
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

function ignoreListeners(logger: Logger): void {
  const said = new Set<string>();
  for (const registration of registrations) {
    const register = process[registration].bind(process) as (
      event: string,
      listener: () => void,
    ) => NodeJS.Process;
    const guarded = (event: string, listener: () => void): NodeJS.Process => {
      if (!ownedEvents.has(event)) return register(event, listener);
      if (!said.has(event))
        logger.info(`The server's own ${event} handler is not installed: the service shuts down in order`);
      said.add(event);
      return process;
    };
    Object.assign(process, { [registration]: guarded });
  }
}
