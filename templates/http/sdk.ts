import { URL } from 'node:url';
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js';
import type { Visit } from './mcp.js';

/** The only module, beside the seam, that knows which SDK the project uses. */

export type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js';

// Written so that they fit every release of the SDK, whichever of them it exports, and projects that declare types of
// '@modelcontextprotocol/sdk/types.js' themselves.

export type JSONRPCMessage = Parameters<Transport['send']>[0];

/** What comes with a message: `extra` of a handler. */
export type MessageExtraInfo =
  Parameters<NonNullable<Transport['onmessage']>> extends [unknown, (infer Extra)?]
    ? NonNullable<Extra>
    : object;

/** What the SDK says of a message that it sends. */
export interface TransportSendOptions {
  relatedRequestId?: string | number | undefined;
}

/**
 * The revisions of the protocol that sessions and single requests are served in, by any release of the SDK. A server that
 * answers `initialize` by itself may agree to a newer one than its SDK knows.
 */
export const protocolVersions: readonly string[] = [
  '2024-10-07',
  '2024-11-05',
  '2025-03-26',
  '2025-06-18',
  '2025-11-25',
];

/** What handlers learn of the HTTP request: `extra.requestInfo` and `extra.authInfo`. */
export function messageExtra({ request, caller }: Visit): MessageExtraInfo {
  const requestInfo = {
    headers: request.headers,
    // Most handlers never look at it.
    get url(): URL {
      return new URL(request.url ?? '/', `http://${request.headers.host ?? 'localhost'}`);
    },
  };
  const extra = caller.authInfo ? { requestInfo, authInfo: caller.authInfo } : { requestInfo };
  // Releases that know nothing of `requestInfo` pass it over.
  return extra as MessageExtraInfo;
}
