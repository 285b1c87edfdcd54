import { createHash } from 'node:crypto';
import { z } from 'zod';
import { createCacheStore } from './cache-store.js';
import type { Call, Feature, FeatureContext } from './feature.js';
import type { RpcResponse, RpcResult } from './json-rpc.js';
import { whole } from './settings.js';

export const cacheSettings = {
  /** Tools whose results may be given again, with the seconds that they stay good: `search:60,get_page:300`. */
  CACHE_TOOLS: z
    .string()
    .default('')
    .transform((value) => value.split(',').map((entry) => entry.trim()))
    .transform((entries) => entries.filter((entry) => entry !== ''))
    .refine((entries) => entries.every((entry) => /^[^:\s]+:[1-9]\d{0,8}$/.test(entry)), {
      message: 'must be tool:seconds[,tool:seconds…]',
    })
    .transform((entries) => new Map(entries.map(readEntry))),
  /** How much is kept in memory where there is no Redis; the least recently used goes first. */
  CACHE_MAX_BYTES: whole(64 * 1024 * 1024, 0),
};

function readEntry(entry: string): [tool: string, milliseconds: number] {
  const colon = entry.lastIndexOf(':');
  return [entry.slice(0, colon), Number(entry.slice(colon + 1)) * 1000];
}

/** Answers repeated calls of the named tools with their last result; each subject has its own. Errors are never kept. */
export function createCache(context: FeatureContext): Feature {
  const store = createCacheStore(context);
  const lifetimes: ReadonlyMap<string, number> = context.config.CACHE_TOOLS;
  return {
    name: 'cache',
    async around(call: Call, next: () => Promise<RpcResponse>): Promise<RpcResponse> {
      const milliseconds = lifetimes.get(toolOf(call));
      if (milliseconds === undefined) return next();
      const key = keyOf(call);
      // A store that cannot be asked is no reason to fail: the tool is called.
      const kept = await store.get(key).catch(() => undefined);
      if (kept !== undefined) {
        return { jsonrpc: '2.0', id: call.request.id, result: JSON.parse(kept) as RpcResult['result'] };
      }
      const response = await next();
      if ('result' in response && response.result['isError'] !== true) {
        await store.set(key, JSON.stringify(response.result), milliseconds).catch(() => undefined);
      }
      return response;
    },
    close: () => store.close(),
  };
}

/** The tool that is called, or nothing that could be named in CACHE_TOOLS. A task is more than its result. */
function toolOf({ request }: Call): string {
  const name =
    request.method === 'tools/call' && request.params?.['task'] === undefined && request.params?.['name'];
  return typeof name === 'string' ? name : '';
}

/** Who asks, for what, with what: the same for arguments that differ only in the order of their keys. */
function keyOf({ request, caller, sessionId }: Call): string {
  const asker = [
    ...(caller.subject === undefined ? ['session', sessionId ?? ''] : ['subject', caller.subject]),
    ...(caller.credentials ? [caller.credentials.fingerprint] : []),
  ];
  const { name, arguments: given } = request.params ?? {};
  return createHash('sha256')
    .update(JSON.stringify([asker, name, canonical(given)]))
    .digest('base64url');
}

function canonical(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(canonical);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return entries.map(([key, entry]) => [key, canonical(entry)]);
}
