import { isRecord } from './canonical.js';
import type { Client } from './client/client.js';

/** Everything a server says about itself: what a client sees before it calls anything. */
export interface Surface {
  readonly serverInfo: unknown;
  readonly capabilities: unknown;
  readonly instructions: unknown;
  readonly tools: Listing;
  readonly resources: Listing;
  readonly resourceTemplates: Listing;
  readonly prompts: Listing;
}

/** All pages of a list, or the error a server gives that has no such list. */
export type Listing = readonly unknown[] | { readonly error: number | string };

type ListName = 'tools' | 'resources' | 'resourceTemplates' | 'prompts';

const LISTS: Readonly<Record<ListName, string>> = {
  tools: 'tools/list',
  resources: 'resources/list',
  resourceTemplates: 'resources/templates/list',
  prompts: 'prompts/list',
};

/** A list that never ends is cut here. */
const MOST_PAGES = 100;

/** Reads the surface of a server: its greeting and every page of every list. The protocol revision is left out. */
export async function readSurface(client: Client): Promise<Surface> {
  const lists: Partial<Record<ListName, Listing>> = {};
  for (const [name, method] of Object.entries(LISTS) as [ListName, string][]) {
    lists[name] = await readList(client, method, name);
  }
  const { serverInfo, capabilities, instructions } = client.welcome;
  return {
    serverInfo,
    capabilities,
    instructions: instructions ?? null,
    ...(lists as Record<ListName, Listing>),
  };
}

async function readList(client: Client, method: string, field: string): Promise<Listing> {
  const members: unknown[] = [];
  let cursor: unknown;
  for (let page = 0; page < MOST_PAGES; page += 1) {
    const outcome = await client.request(method, cursor === undefined ? undefined : { cursor });
    if ('error' in outcome) return { error: outcome.error.code };
    if (!isRecord(outcome.result)) return { error: 'no result' };
    const found = outcome.result[field];
    if (Array.isArray(found)) members.push(...found);
    cursor = outcome.result.nextCursor;
    if (cursor === undefined) break;
  }
  return members;
}

/** The members of a list, none where the server has no such list. */
export const membersOf = (listing: Listing): readonly Record<string, unknown>[] =>
  'error' in listing ? [] : listing.filter(isRecord);
