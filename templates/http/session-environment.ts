import type { Feature, FeatureContext } from './feature.js';
import { currentScope } from './session-scope.js';

/**
 * Each client's own environment: the server changes `process.env` while it serves, and over stdio that was the
 * environment of one client's process.
 */
export function createSessionEnvironment(_context: FeatureContext): Feature {
  const shared = process.env;
  const key = {};
  Object.defineProperty(process, 'env', {
    configurable: true,
    enumerable: true,
    get: () => currentScope()?.get(key, () => layerOver(shared), undefined) ?? shared,
  });
  return { name: 'session-environment' };
}

/** The environment with changes of its own on top. */
function layerOver(shared: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  /** What was set; undefined for what was removed. */
  const changes = new Map<string | symbol, string | undefined>();
  const read = (name: string | symbol): string | undefined =>
    changes.has(name) ? changes.get(name) : shared[String(name)];
  const write = (name: string | symbol, value: string | undefined): true => {
    changes.set(name, value);
    return true;
  };
  return new Proxy({} as NodeJS.ProcessEnv, {
    get: (_, name) => (typeof name === 'symbol' ? undefined : read(name)),
    set: (_, name, value) => write(name, String(value)),
    has: (_, name) => read(name) !== undefined,
    deleteProperty: (_, name) => write(name, undefined),
    ownKeys: () =>
      [...new Set([...Object.keys(shared), ...changes.keys()])].filter((name) => read(name) !== undefined),
    defineProperty: (_, name, { value }) => write(name, String(value)),
    getOwnPropertyDescriptor: (_, name) => {
      const value = read(name);
      if (value === undefined) return undefined;
      return { value, writable: true, enumerable: true, configurable: true };
    },
  });
}
