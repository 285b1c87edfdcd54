import type { FeatureContext } from './feature.js';

/** Where results are kept for a while. */
export interface CacheStore {
  get(key: string): Promise<string | undefined>;
  set(key: string, value: string, milliseconds: number): Promise<void>;
  close(): void;
}

/** In this process's memory: at most CACHE_MAX_BYTES, the least recently used goes first. */
export function createCacheStore({ config }: FeatureContext): CacheStore {
  // A Map keeps its order of insertion; what is used is inserted again.
  const entries = new Map<string, { value: string; until: number }>();
  let bytes = 0;
  const drop = (key: string): void => {
    bytes -= sizeOf(entries.get(key)?.value);
    entries.delete(key);
  };
  return {
    async get(key: string): Promise<string | undefined> {
      const entry = entries.get(key);
      if (!entry) return undefined;
      entries.delete(key);
      entries.set(key, entry);
      if (entry.until > Date.now()) return entry.value;
      drop(key);
      return undefined;
    },
    async set(key: string, value: string, milliseconds: number): Promise<void> {
      if (sizeOf(value) > config.CACHE_MAX_BYTES) return;
      drop(key);
      entries.set(key, { value, until: Date.now() + milliseconds });
      bytes += sizeOf(value);
      for (const oldest of entries.keys()) {
        if (bytes <= config.CACHE_MAX_BYTES) return;
        drop(oldest);
      }
    },
    close: () => entries.clear(),
  };
}

/** Strings take up to two bytes a character in memory. */
const sizeOf = (value: string | undefined): number => (value === undefined ? 0 : value.length * 2 + 100);
