import { transportArgument } from '../inspect/connect.js';
import { ts } from '../inspect/source.js';
import type { EntryModule } from './entry-module.js';
import { makesTransport } from './runners.js';
import { type SdkName, sdkName } from './sdk-names.js';

/** How the stdio program gives its transport to the `connect` of the factory's result. */
export interface StdioTransport {
  /** Argument of the call; empty where only the project's own function can make the transport. */
  readonly argument: string;
  /** The class in it, where the project's function used to make it. */
  readonly made?: SdkName;
}

/** The transport that the project connects, as the stdio program writes it. */
export function stdioTransport({ analysis, sources, edits, file }: EntryModule): StdioTransport {
  const { site, sdkLine } = analysis;
  const own = transportArgument(sources, site);
  if (site.isAmbient) return { argument: '' };
  if (own) return { argument: edits.slice(own.getStart(), own.end) };
  const { transport } = site;
  const isPlain =
    !makesTransport(sources, site) &&
    ts.isNewExpression(transport) &&
    !transport.arguments?.length &&
    sources.externalOf(transport.expression) !== undefined;
  if (!isPlain) return { argument: '' };
  const made = sdkName('StdioServerTransport', file, sdkLine);
  return { argument: `new ${made.local}()`, made };
}
