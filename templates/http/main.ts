/// <reference lib="es2022" />
import type { AddressInfo } from 'node:net';
import { createListener } from './app.js';
import { type Config, prepareEnvironment, readConfig, secretValues } from './config.js';
import type { Feature, Gauges } from './feature.js';
import { createEndpoint, featureFactories, loadServers } from './features.js';
import { Gate, isLoopback } from './gate.js';
import { HealthReport } from './health.js';
import { captureConsole, createLog, type Log } from './logger.js';
import { callRunner, type Endpoint, Mcp } from './mcp.js';
import { exitProcess, guardProcess, ProcessExit } from './process-guard.js';
import { ownsWhatItStarts, sessionMode, survivesExceptions } from './server-factory.js';
import { followResources } from './session-resources.js';
import { currentResources, currentScope, failCurrentRequest } from './session-scope.js';
import { ConfigError } from './settings.js';
import { createShutdown } from './shutdown.js';

/** `EX_CONFIG` of sysexits: restarting does not help, somebody has to change the configuration. */
const badConfiguration = 78;

async function main(): Promise<void> {
  const { config, secrets } = await configure();
  const log = createLog(config.LOG_LEVEL, secrets);
  const { logger } = log;
  let shutDown = (_reason: string, code = 1): void => leave(log, code);
  process.on('SIGTERM', () => shutDown('SIGTERM', 0));
  process.on('SIGINT', () => shutDown('SIGINT', 0));
  process.on('unhandledRejection', (reason) => {
    if (isFarewell(reason)) return;
    logger.error({ err: reason }, 'A promise was rejected and nobody cared');
    failCurrentRequest();
  });
  process.on('uncaughtException', (error) => {
    const scope = currentScope();
    if (isFarewell(error)) return;
    if (survivesExceptions)
      logger.error({ err: error }, 'Uncaught exception; the server goes on, as it is made to');
    else if (scope) {
      logger.error({ err: error }, 'Uncaught exception; it ends the server of the client it was thrown for');
      scope.crash();
    } else {
      logger.fatal({ err: error }, 'Uncaught exception');
      shutDown('uncaughtException', 1);
    }
  });
  captureConsole(logger);
  const guard = guardProcess(logger, log.flush);
  if (ownsWhatItStarts) followResources(currentResources);

  // The project's code is loaded only now: it may print, read the environment, or leave as soon as it is imported.
  const { createServer, close } = await loadServers({ config, logger });
  const open: { mcp?: Mcp; endpoint?: Endpoint; health?: HealthReport } = {};
  const gauges = (): Gauges => ({
    ready: open.health?.ready ?? false,
    inFlight: open.mcp?.inFlight ?? 0,
    sessions: open.endpoint?.sessions ?? 0,
    streams: open.endpoint?.streams ?? 0,
  });
  const features: Feature[] = [];
  const measure = () => features.flatMap((feature) => feature.measure?.() ?? []);
  for (const create of featureFactories) features.push(await create({ config, logger, gauges, measure }));
  for (const feature of features)
    if (feature.redact) log.redactors.push((line) => feature.redact?.(line) ?? line);
  requireProtection(config, features);
  const runCall = callRunner(features, logger);
  const endpoint = createEndpoint({ config, logger, features, createServer, runCall });
  const gate = new Gate(config, features);
  const mcp = new Mcp({ config, logger, features }, gate, endpoint);
  const health = new HealthReport(features);
  Object.assign(open, { mcp, endpoint, health });
  const listener = createListener({ logger, gate, health, mcp, features, trustProxy: config.TRUST_PROXY });

  const cleanUp = async (): Promise<void> => {
    await close?.();
    await guard.cleanUp();
  };
  const exit = (code: number): void => leave(log, code);
  const parts = { config, logger, listener, health, mcp, endpoint, features, gauges, cleanUp, exit };
  shutDown = createShutdown(parts);
  guard.serving((code) => shutDown('process.exit', code));
  listener.on('error', (error) => {
    logger.fatal({ err: error }, `Cannot listen on ${config.HOST}:${config.PORT}`);
    exit(1);
  });
  listener.listen(config.PORT, config.HOST, () => {
    const { address, port } = listener.address() as AddressInfo;
    const host = address.includes(':') ? `[${address}]` : address;
    logger.info({ sessions: sessionMode }, `MCP is served at http://${host}:${port}/mcp`);
  });
}

async function configure(): Promise<{ config: Config; secrets: string[] }> {
  try {
    const secret = await prepareEnvironment(process.env);
    return { config: readConfig(process.env), secrets: secretValues(process.env, secret) };
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    const log = createLog('info');
    for (const problem of error.problems) log.logger.fatal({ event: 'configuration_problem' }, problem);
    return leave(log, badConfiguration);
  }
}

/** Whoever can reach the service can use it; so beyond this machine callers have to prove who they are. */
function requireProtection(config: Config, features: readonly Feature[]): void {
  if (isLoopback(config.HOST) || config.ALLOW_UNAUTHENTICATED) return;
  if (features.some((feature) => feature.authenticate)) return;
  throw new ConfigError([
    `HOST: ${config.HOST} is reachable from other machines, and callers are not authenticated; ` +
      'choose --auth, put an authenticating proxy in front and set ALLOW_UNAUTHENTICATED=true, or listen on 127.0.0.1',
  ]);
}

/** While it cleans up, the project's code ends by what its `process.exit` throws. */
const isFarewell = (error: unknown): boolean => error instanceof ProcessExit && !currentScope();

function leave(log: Log, code: number): never {
  log.flush();
  return exitProcess(code);
}

main().catch((error: unknown) => {
  const log = createLog('info');
  if (error instanceof ConfigError) {
    for (const problem of error.problems) log.logger.fatal({ event: 'configuration_problem' }, problem);
    leave(log, badConfiguration);
  }
  log.logger.fatal({ err: error }, 'The service could not start');
  leave(log, 1);
});
