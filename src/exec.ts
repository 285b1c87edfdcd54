/** Everything that runs another program. The only file that knows execa. */

import { setTimeout as sleep } from 'node:timers/promises';
import { execa, type Options } from 'execa';
import { ClearedAtExit } from './cleared-at-exit.js';

/** How a program that has to finish went. `code` is null when it was killed, by a signal or for its time. */
export interface Finished {
  readonly code: number | null;
  /** Both output streams as they came, the last 200 000 characters. */
  readonly output: string;
  readonly timedOut: boolean;
}

export interface Surroundings {
  readonly cwd: string;
  /** The whole environment of the program; without it, it inherits ours. */
  readonly env?: Readonly<Record<string, string>>;
}

/** How a program ended: its exit code, or the signal that ended it. */
export interface Exit {
  readonly code: number | null;
  readonly signal: string | null;
}

/** A program that runs beside us until it is stopped. */
export interface Running {
  readonly pid: number;
  readonly exited: Promise<Exit>;
  /** The last 20 000 characters of both output streams. */
  readonly output: () => string;
  /** Hears each line of stdout. */
  readonly onLine: (listener: (line: string) => void) => void;
  /** Writes one line to stdin; false when it is closed. */
  readonly writeLine: (line: string) => boolean;
  readonly closeInput: () => void;
  /** Signals the program itself, not what it started. */
  readonly signal: (name: NodeJS.Signals) => void;
  /** Ends it and everything it started: stdin closed, SIGTERM, SIGKILL, each after the given patience. */
  readonly stop: (patienceMs?: number) => Promise<void>;
}

const OWN_GROUP = process.platform !== 'win32';

/** A group of its own does not get the terminal's Ctrl-C. */
const running = new ClearedAtExit<number>((pid) => killGroup(pid, 'SIGKILL'));

/** Runs a program to its end. Never throws for a program that fails or does not exist. */
export async function runCommand(
  command: string,
  args: readonly string[],
  given: Surroundings & { readonly timeoutMs: number; readonly onLine?: (line: string) => void },
): Promise<Finished> {
  const child = execa(command, args, { ...shared(given), all: true, stdin: 'ignore', buffer: false });
  const output = tailOf(200_000);
  followLines(child.all, (line) => {
    output.add(`${line}\n`);
    given.onLine?.(line);
  });
  if (child.pid) running.add(child.pid);
  let timedOut = false;
  const timer = setTimeout(() => {
    timedOut = true;
    if (child.pid) killGroup(child.pid, 'SIGKILL');
  }, given.timeoutMs);
  const result = await child;
  clearTimeout(timer);
  if (child.pid) running.delete(child.pid);
  if (result.exitCode === undefined && result.cause instanceof Error) output.add(result.cause.message);
  return { code: result.exitCode ?? null, output: output.text(), timedOut };
}

/** Starts a program and returns while it runs. `input: 'closed'` gives it an stdin that has already ended. */
export function startProcess(
  command: string,
  args: readonly string[],
  given: Surroundings & { readonly input: 'pipe' | 'closed' },
): Running {
  const child = execa(command, args, {
    ...shared(given),
    stdin: given.input === 'pipe' ? 'pipe' : 'ignore',
    buffer: false,
  });
  const { pid } = child;
  const output = tailOf(20_000);
  const listeners: ((line: string) => void)[] = [];
  if (pid) running.add(pid);
  followLines(child.stdout, (line) => {
    output.add(`${line}\n`);
    for (const listener of listeners) listener(line);
  });
  followLines(child.stderr, (line) => output.add(`${line}\n`));
  child.stdin?.on('error', () => {}); // a program that left; its exit says so
  const exited = child.then((result): Exit => {
    if (result.exitCode === undefined && result.cause instanceof Error) output.add(result.cause.message);
    return { code: result.exitCode ?? null, signal: result.signal ?? null };
  });
  return {
    pid: pid ?? 0,
    exited,
    output: output.text,
    onLine: (listener) => void listeners.push(listener),
    writeLine: (line) => {
      if (!child.stdin?.writable) return false;
      child.stdin.write(`${line}\n`);
      return true;
    },
    closeInput: () => void child.stdin?.end(),
    signal: (name) => void child.kill(name),
    stop: async (patienceMs = 1500) => {
      child.stdin?.end();
      if (pid && !(await endsWithin(exited, given.input === 'pipe' ? 300 : 0))) {
        killGroup(pid, 'SIGTERM');
        await endsWithin(exited, patienceMs);
      }
      if (pid) {
        killGroup(pid, 'SIGKILL'); // also what it left behind
        running.delete(pid);
      }
      await endsWithin(exited, 2000);
    },
  };
}

function shared(given: Surroundings) {
  return {
    cwd: given.cwd,
    ...(given.env ? { env: given.env, extendEnv: false } : {}),
    preferLocal: true,
    localDir: given.cwd,
    reject: false,
    detached: OWN_GROUP,
    cleanup: !OWN_GROUP,
    forceKillAfterDelay: false, // a program that drains after SIGTERM takes as long as it needs
  } satisfies Options;
}

function killGroup(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(OWN_GROUP ? -pid : pid, signal);
  } catch {
    // already gone
  }
}

function endsWithin(exited: Promise<Exit>, milliseconds: number): Promise<boolean> {
  const cancel = new AbortController();
  return Promise.race([
    exited.then(() => true),
    sleep(milliseconds, false, { signal: cancel.signal }).catch(() => false),
  ]).finally(() => cancel.abort());
}

/** Cuts a stream into lines; a last line without its end counts when the stream ends. */
function followLines(stream: NodeJS.ReadableStream | null | undefined, onLine: (line: string) => void): void {
  let rest = '';
  stream?.setEncoding('utf8');
  stream?.on('data', (chunk: string) => {
    const lines = (rest + chunk).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) onLine(line.endsWith('\r') ? line.slice(0, -1) : line);
  });
  stream?.on('end', () => {
    if (rest) onLine(rest);
  });
}

function tailOf(limit: number) {
  let kept = '';
  return {
    add: (text: string) => {
      kept = (kept + text).slice(-limit);
    },
    text: () => kept,
  };
}
