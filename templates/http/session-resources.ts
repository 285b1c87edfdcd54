import { ChildProcess } from 'node:child_process';
import type { FSWatcher } from 'node:fs';
import { Server, Socket } from 'node:net';
import { Worker } from 'node:worker_threads';

/**
 * Over stdio everything that a server had started ended with its client's process. Here it ends with the session:
 * timers and child processes that code running for it has started, and what stands in its own state.
 */

/** What is still waited for after the end, by code that has to give back what it shares with others. */
const graceMs = 5000;
/** How long a child process may take from SIGTERM to its end. */
const childMs = 5000;

const start = { setInterval, setTimeout };

/** Timers and child processes of one session, or of one server. */
export class SessionResources {
  readonly #timers = new Map<NodeJS.Timeout, 'setInterval' | 'setTimeout'>();
  readonly #children = new Set<ChildProcess>();
  #endedAt: number | undefined;

  /** Keeps a timer until it has fired, was cleared, or the session ends. */
  addTimer(timer: NodeJS.Timeout, kind: 'setInterval' | 'setTimeout'): void {
    const elapsed = this.#endedAt === undefined ? 0 : performance.now() - this.#endedAt;
    if (this.#endedAt === undefined || (kind === 'setTimeout' && elapsed < graceMs))
      this.#timers.set(timer, kind);
    else clearTimeout(timer);
  }

  dropTimer(timer: NodeJS.Timeout): void {
    this.#timers.delete(timer);
  }

  addChild(child: ChildProcess): void {
    this.#children.add(child);
    child.once('close', () => this.#children.delete(child));
    if (this.#endedAt !== undefined) endChild(child);
  }

  /** Ends everything; single timeouts may still fire for a few seconds. */
  end(): void {
    if (this.#endedAt !== undefined) return;
    this.#endedAt = performance.now();
    for (const child of this.#children) endChild(child);
    for (const [timer, kind] of this.#timers) if (kind === 'setInterval') this.#clear(timer);
    if (this.#timers.size === 0) return;
    const clear = (): void => {
      for (const timer of this.#timers.keys()) this.#clear(timer);
    };
    start.setTimeout(clear, graceMs).unref();
  }

  #clear(timer: NodeJS.Timeout): void {
    this.#timers.delete(timer);
    clearTimeout(timer);
  }
}

function endChild(child: ChildProcess): void {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill();
  start.setTimeout(() => child.kill('SIGKILL'), childMs).unref();
}

/**
 * From now on timers and child processes belong to the session that they are started for, as `current` tells. Timers of
 * packages do not: a connection pool that all share may start them while it serves one.
 */
export function followResources(current: () => SessionResources | undefined): void {
  const project = ownPackage();
  const owners = new WeakMap<NodeJS.Timeout, SessionResources>();
  for (const kind of ['setInterval', 'setTimeout'] as const) {
    const original = start[kind] as (callback: Callback, ...rest: unknown[]) => NodeJS.Timeout;
    const followed = (callback: Callback, ...rest: unknown[]): NodeJS.Timeout => {
      const owner = current();
      if (!owner || typeof callback !== 'function' || !isCalledByProject(followed, project))
        return original(callback, ...rest);
      const fire = function (this: unknown, ...args: unknown[]): void {
        if (kind === 'setTimeout') owner.dropTimer(timer);
        callback.apply(this, args);
      };
      const timer = original(fire, ...rest);
      owners.set(timer, owner);
      owner.addTimer(timer, kind);
      return timer;
    };
    // `promisify` finds its own way of waiting among the properties.
    Object.defineProperties(followed, Object.getOwnPropertyDescriptors(start[kind]));
    Object.assign(globalThis, { [kind]: followed });
  }
  for (const kind of ['clearInterval', 'clearTimeout'] as const) {
    const original = globalThis[kind] as (timer: unknown) => void;
    const followed = (timer: unknown): void => {
      if (typeof timer === 'object' && timer !== null)
        owners.get(timer as NodeJS.Timeout)?.dropTimer(timer as NodeJS.Timeout);
      original(timer);
    };
    Object.assign(globalThis, { [kind]: followed });
  }
  followChildren(current);
}

type Callback = (...args: unknown[]) => unknown;
type Callee = (...args: never[]) => unknown;

/** Every way to start a child process ends in this method. What is detached was meant to live on. */
function followChildren(current: () => SessionResources | undefined): void {
  const prototype = ChildProcess.prototype as unknown as { spawn?(options: { detached?: boolean }): unknown };
  const spawn = prototype.spawn;
  if (!spawn) return;
  prototype.spawn = function (this: ChildProcess, options) {
    const result = spawn.call(this, options);
    if (!options.detached) current()?.addChild(this);
    return result;
  };
}

const inPackage = /[\\/]node_modules[\\/](?:@[^\\/]+[\\/])?[^\\/]+[\\/]/g;

/** The directory of the package that this module is part of, when it is installed in another project. */
function ownPackage(): string {
  const own = fileOf(callerOf(undefined));
  const last = [...own.matchAll(inPackage)].pop();
  return last ? own.slice(0, (last.index ?? 0) + last[0].length) : '';
}

/** Is the caller of `callee` the project's own code, and not a package's or Node's? */
function isCalledByProject(callee: Callee, project: string): boolean {
  const file = fileOf(callerOf(callee));
  return (
    file !== '' && file.startsWith(project) && !/[\\/]node_modules[\\/]/.test(file.slice(project.length))
  );
}

/** The line of a stack that says where `callee` was called; without one, where this was. */
function callerOf(callee: Callee | undefined): string {
  const limit = Error.stackTraceLimit;
  const trace: { stack?: string } = {};
  Error.stackTraceLimit = 1;
  Error.captureStackTrace(trace, callee ?? callerOf);
  Error.stackTraceLimit = limit;
  return trace.stack ?? '';
}

/** The file in a line of a stack; empty for Node's own. */
function fileOf(line: string): string {
  const file = /(?:\(|at )(?:async )?(?:file:\/\/)?([^()\n]*?):\d+:\d+\)?$/.exec(line)?.[1];
  return file?.replace(/^node:.*/, '') ?? '';
}

/** Ends what stands in a session's own state: alone, in a collection, or as a field of a plain object. */
export function release(value: unknown, depth = 0): void {
  if (typeof value !== 'object' || value === null) return;
  if (value instanceof ChildProcess) endChild(value);
  else if (value instanceof Worker) void value.terminate();
  else if (value instanceof Socket) value.destroy();
  else if (value instanceof Server) value.close();
  else if (isWatcher(value)) value.close();
  else if (isTimer(value)) clearTimeout(value);
  else if (depth < 2) for (const held of contentsOf(value)) release(held, depth + 1);
}

const isWatcher = (value: object): value is FSWatcher => value.constructor?.name === 'FSWatcher';

const isTimer = (value: object): value is NodeJS.Timeout => value.constructor?.name === 'Timeout';

function contentsOf(value: object): Iterable<unknown> {
  if (value instanceof Map || value instanceof Set || Array.isArray(value)) return value.values();
  return Object.getPrototypeOf(value) === Object.prototype ? Object.values(value) : [];
}
