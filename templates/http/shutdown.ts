import type { Server } from 'node:http';
import { Server as NetServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from 'pino';
import type { Config } from './config.js';
import type { Feature, Gauges } from './feature.js';
import type { HealthReport } from './health.js';
import type { Endpoint, Mcp } from './mcp.js';

export interface ShutdownParts {
  readonly config: Config;
  readonly logger: Logger;
  readonly listener: Server;
  readonly health: HealthReport;
  readonly mcp: Mcp;
  readonly endpoint: Endpoint;
  readonly features: readonly Feature[];
  readonly gauges: () => Gauges;
  /** What the project itself does when it is stopped. */
  readonly cleanUp: () => Promise<void>;
  readonly exit: (code: number) => void;
}

/** The orderly end of the service. The returned function starts it; called again, it ends the process at once. */
export function createShutdown(parts: ShutdownParts): (reason: string, code?: number) => void {
  const { config, logger, exit } = parts;
  let started = false;
  return (reason, code = 0) => {
    if (started) {
      logger.warn({ reason, open: parts.gauges() }, 'Asked twice to shut down: ending at once');
      exit(1);
      return;
    }
    started = true;
    logger.info({ reason, open: parts.gauges() }, 'Shutting down');
    const deadline = config.SHUTDOWN_DELAY_MS + config.SHUTDOWN_TIMEOUT_MS;
    const timer = setTimeout(() => {
      logger.error({ open: parts.gauges() }, 'Shutdown took too long; what is still open is cut off');
      exit(1);
    }, deadline);
    drain(parts).then(
      () => {
        clearTimeout(timer);
        logger.info('Shut down');
        exit(code);
      },
      (error: unknown) => {
        logger.error({ err: error }, 'Shutdown failed');
        exit(1);
      },
    );
  };
}

/** Turns of the event loop, at most, that are waited for clients that are still being let in. */
const mostTurns = 1000;
const quietTurns = 3;

/** Refuses new connections and keeps those that are open; `closed` resolves when the last of them ends. */
async function stopListening(listener: Server): Promise<{ closed: Promise<void> }> {
  // A turn of the event loop lets in one of the connections that wait, and what still waits would be reset: so the
  // door is shut when nobody has come for some turns. (One turn is not enough: the first is the rest of this one.)
  let quiet = 0;
  const notice = (): void => {
    quiet = 0;
  };
  listener.on('connection', notice);
  for (let turn = 0; quiet < quietTurns && turn < mostTurns; turn++) {
    quiet++;
    await new Promise((resolve) => setImmediate(resolve));
  }
  listener.off('connection', notice);
  const closed = new Promise<void>((resolve) => {
    // The HTTP server's own `close` also closes idle connections, on which a request may be on its way. (Bun's
    // server is no net.Server, and leaves them open.)
    const ended = (): void => resolve();
    const isNetServer = Object.prototype.isPrototypeOf.call(NetServer.prototype, listener);
    if (isNetServer) NetServer.prototype.close.call(listener, ended);
    else listener.close(ended);
  });
  return { closed };
}

async function drain({
  config,
  logger,
  listener,
  health,
  mcp,
  endpoint,
  features,
  cleanUp,
}: ShutdownParts): Promise<void> {
  health.drain();
  if (config.SHUTDOWN_DELAY_MS > 0) await sleep(config.SHUTDOWN_DELAY_MS);
  const { closed } = await stopListening(listener);
  // A connection that is kept alive may bring one more request: it is answered, and told to close.
  listener.prependListener('request', (_request, response) => response.setHeader('connection', 'close'));
  endpoint.drain();
  await mcp.idle();
  // A balancer that asks nobody about readiness notices now, by a refused connection, and leaves us alone; what it
  // has just sent on a connection that was idle is answered still.
  const patience = Math.min(Math.max(config.SHUTDOWN_DELAY_MS, 250), 1000);
  await Promise.race([closed, sleep(patience, undefined, { ref: false })]);
  await mcp.idle();
  await endpoint.close();
  listener.closeIdleConnections();
  // Answers are on their way by now; a client that does not read them does not hold up the rest.
  await Promise.race([closed, sleep(1000, undefined, { ref: false })]);
  listener.closeAllConnections();
  const closers = [...features]
    .reverse()
    .map((feature) => ({ name: feature.name, close: () => feature.close?.() }));
  for (const { name, close } of [{ name: 'the server', close: cleanUp }, ...closers]) {
    try {
      await close();
    } catch (error) {
      logger.error({ err: error }, `Closing ${name} failed`);
    }
  }
}
