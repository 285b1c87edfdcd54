import { AsyncLocalStorage } from 'node:async_hooks';
import type { SessionResources } from './session-resources.js';

/**
 * What belongs to one client while many share a process. Over stdio every client had a process of its own, so a
 * module-level variable was private to it; `sessionScoped` gives that back.
 */
export class SessionScope {
  /** What the client has sent in place of variables of the environment. */
  readonly credentials: ReadonlyMap<string, string | undefined> | undefined;
  /** What timers and child processes that are started in the scope end with. */
  resources: SessionResources | undefined;
  readonly #onCrash: (() => void) | undefined;
  readonly #values = new Map<object, { value: unknown; dispose: (() => void) | undefined }>();

  /** `onCrash` ends what the scope stands for, after an exception that nothing has caught. */
  constructor(credentials?: ReadonlyMap<string, string | undefined>, onCrash?: () => void) {
    this.credentials = credentials;
    this.#onCrash = onCrash;
  }

  /** An exception escaped from code that ran for this client: over stdio its process, and no other, would have ended. */
  crash(): void {
    this.#onCrash?.();
  }

  /** The scope's own value for `key`, created on first use. */
  get<T>(key: object, create: () => T, dispose: ((value: T) => void) | undefined): T {
    const held = this.#values.get(key);
    if (held) return held.value as T;
    const value = create();
    this.#values.set(key, { value, dispose: dispose && (() => dispose(value)) });
    return value;
  }

  /** Replaces the scope's own value for `key`. */
  set<T>(key: object, value: T, dispose: ((value: T) => void) | undefined): void {
    this.#values.set(key, { value, dispose: dispose && (() => dispose(value)) });
  }

  /**
   * Runs `work`, and everything it starts, inside this scope. `onRejection` learns of a promise in it that was rejected
   * and that nobody waits for; `resources` are what its timers and child processes end with, instead of the scope's.
   */
  run<T>(work: () => T, { onRejection, resources = this.resources }: RunOptions = {}): T {
    return storage.run({ scope: this, resources, onRejection }, work);
  }

  /** Drops every value, so that nothing of the client outlives its session; `release` is for those without a `dispose`. */
  end(release?: (value: unknown) => void): void {
    const held = [...this.#values.values()];
    this.#values.clear();
    for (const { value, dispose } of held) {
      if (dispose) dispose();
      else release?.(value);
    }
    this.resources?.end();
  }
}

/** For whom code runs, and for which of its requests. */
interface Running {
  readonly scope: SessionScope;
  readonly resources: SessionResources | undefined;
  readonly onRejection: (() => void) | undefined;
}

type RunOptions = Partial<Pick<Running, 'onRejection' | 'resources'>>;

const storage = new AsyncLocalStorage<Running>();
const processScope = new SessionScope();

/** The scope of the code that is running; none at start-up and over stdio. */
export const currentScope = (): SessionScope | undefined => storage.getStore()?.scope;

/** What timers and child processes of the code that is running end with. */
export const currentResources = (): SessionResources | undefined => storage.getStore()?.resources;

/** A promise was rejected and nobody waits for it: the request that it was made for gets an answer. */
export const failCurrentRequest = (): void => storage.getStore()?.onRejection?.();

/** A variable of which every session has its own. A property, not a call: TypeScript narrows `x.value` like a variable. */
export interface SessionScoped<T> {
  value: T;
}

/**
 * State that each client has for itself: `value` is the current session's, created on first use and dropped at the
 * session's end (`dispose` is then called with it); outside any session there is one value for the whole process.
 *
 *     const history = sessionScoped((): string[] => []);
 *     history.value.push('…');
 */
export function sessionScoped<T>(create: () => T, dispose?: (value: T) => void): SessionScoped<T> {
  const key = {};
  const scope = (): SessionScope => currentScope() ?? processScope;
  return {
    get value(): T {
      return scope().get(key, create, dispose);
    },
    set value(next: T) {
      scope().set(key, next, dispose);
    },
  };
}

/** A variable of the environment; while a client is served that sends its own value, the client's. */
export function credential(name: string): string | undefined {
  const sent = currentScope()?.credentials;
  return sent?.has(name) ? sent.get(name) : process.env[name];
}

/** The environment with what the current client has sent in it. */
export function environment(): NodeJS.ProcessEnv {
  const sent = currentScope()?.credentials;
  return sent ? { ...process.env, ...Object.fromEntries(sent) } : process.env;
}
