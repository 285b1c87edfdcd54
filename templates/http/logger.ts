import { writeSync } from 'node:fs';
import { format } from 'node:util';
import { type Logger, pino, stdTimeFunctions } from 'pino';
import type { Call, CallStatus } from './feature.js';

export interface Log {
  readonly logger: Logger;
  /** Asked, for every line, to blot out what must not be logged. */
  readonly redactors: ((line: string) => string)[];
  /** Writes what is still held back; called before the process ends. */
  flush(): void;
}

/** JSON lines on stdout. `secrets` are blotted out wherever they turn up. */
export function createLog(level: string, secrets: readonly string[] = []): Log {
  const blotted = secrets.flatMap((secret) => [secret, JSON.stringify(secret).slice(1, -1)]);
  const redactors = [
    (line: string) => blotted.reduce((text, secret) => text.split(secret).join('[redacted]'), line),
    // Headers that somebody prints: a token of a caller is in no configuration.
    (line: string) => line.replace(/\b(Bearer) +[\w.~+/=-]{16,}/gi, '$1 [redacted]'),
  ];
  let held = '';
  // Lines of one turn of the event loop are written together: one system call instead of many under load.
  const flush = (): void => {
    const text = held;
    held = '';
    if (text !== '') writeOut(text);
  };
  const stream = {
    write(line: string): void {
      if (held === '') setImmediate(flush);
      held += redactors.reduce((text, redact) => redact(text), line);
    },
  };
  process.on('exit', flush);
  const logger = pino(
    {
      level,
      base: null,
      timestamp: stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      redact: {
        paths: ['authorization', 'headers.authorization', '*.headers.authorization'],
        censor: '[redacted]',
      },
    },
    stream,
  );
  return { logger, redactors, flush };
}

const pause = new Int32Array(new SharedArrayBuffer(4));

/** Writes everything to stdout, waiting for a slow reader: a line that says why the process ends must not be lost. */
function writeOut(text: string): void {
  let bytes: Uint8Array = Buffer.from(text);
  while (bytes.length > 0) {
    try {
      bytes = bytes.subarray(writeSync(1, bytes));
    } catch (error) {
      // A reader that went away is no reason to stop serving.
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') return;
      Atomics.wait(pause, 0, 0, 5);
    }
  }
}

const consoleLevels = {
  log: 'info',
  info: 'info',
  debug: 'debug',
  trace: 'debug',
  warn: 'warn',
  error: 'error',
} as const;

/** Sends what the project prints, on the console or straight to stdout, through the logger: stdout is JSON lines only. */
export function captureConsole(logger: Logger): void {
  for (const [method, level] of Object.entries(consoleLevels)) {
    console[method as keyof typeof consoleLevels] = (...args: unknown[]) => logger[level](format(...args));
  }
  process.stdout.write = ((chunk: Uint8Array | string, encoding?: unknown, done?: unknown): boolean => {
    const text = typeof chunk === 'string' ? chunk : Buffer.from(chunk).toString('utf8');
    if (text.trim() !== '') logger.info(text.trimEnd());
    const callback = typeof encoding === 'function' ? encoding : done;
    if (typeof callback === 'function') queueMicrotask(() => callback());
    return true;
  }) as typeof process.stdout.write;
}

/** What is logged of a request: the event, and the parameter that says on what. Other methods are logged at debug. */
const events: Readonly<Record<string, { event: string; field: string; parameter: string }>> = {
  'tools/call': { event: 'mcp_tool_call', field: 'tool', parameter: 'name' },
  'resources/read': { event: 'mcp_resource_read', field: 'uri', parameter: 'uri' },
  'prompts/get': { event: 'mcp_prompt_get', field: 'prompt', parameter: 'name' },
};

/** One line per call: what was called, how long it took, how it ended, and for whom. */
export function logCall(logger: Logger, call: Call, status: CallStatus, milliseconds: number): void {
  const { request, requestId, sessionId, clientName } = call;
  const known = events[request.method];
  if (!known && !logger.isLevelEnabled('debug')) return;
  const line: Record<string, unknown> = { event: known?.event ?? 'mcp_request' };
  if (known) line[known.field] = request.params?.[known.parameter];
  else line['method'] = request.method;
  line['duration_ms'] = Math.round(milliseconds * 100) / 100;
  line['status'] = status;
  line['request_id'] = requestId;
  if (sessionId !== undefined) line['session_id'] = sessionId;
  if (call.caller.subject !== undefined) line['subject'] = call.caller.subject;
  if (clientName !== undefined) line['client'] = clientName;
  logger[known ? 'info' : 'debug'](line);
}
