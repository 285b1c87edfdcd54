import type { MessageExtraInfo } from '@modelcontextprotocol/sdk/types.js';
import { SUPPORTED_PROTOCOL_VERSIONS } from '@modelcontextprotocol/sdk/types.js';
import type { Visit } from './mcp.js';

/** The only module, beside the seam, that knows which SDK the project uses. */

export type { Transport, TransportSendOptions } from '@modelcontextprotocol/sdk/shared/transport.js';
export type { JSONRPCMessage, MessageExtraInfo } from '@modelcontextprotocol/sdk/types.js';

/** The revisions of the protocol that sessions and single requests are served in. */
export const protocolVersions: readonly string[] = SUPPORTED_PROTOCOL_VERSIONS;

/** What handlers learn of the HTTP request: `extra.requestInfo` and `extra.authInfo`. */
export function messageExtra({ request, caller }: Visit): MessageExtraInfo {
  const requestInfo = {
    headers: request.headers,
    // Most handlers never look at it.
    get url(): URL {
      return new URL(request.url ?? '/', `http://${request.headers.host ?? 'localhost'}`);
    },
  };
  return caller.authInfo ? { requestInfo, authInfo: caller.authInfo } : { requestInfo };
}
