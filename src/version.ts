import { createRequire } from 'node:module';

/** Version of this tool. */
export const version = (createRequire(import.meta.url)('../package.json') as { readonly version: string })
  .version;
