import type { MessageExtraInfo } from '@modelcontextprotocol/sdk/types.js';
import type { Visit } from './mcp.js';

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
