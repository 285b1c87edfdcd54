import { URL } from 'node:url';
import type { MessageExtraInfo } from '@modelcontextprotocol/server';
import { SUPPORTED_PROTOCOL_VERSIONS } from '@modelcontextprotocol/server';
import type { Visit } from './mcp.js';

/** The only module, beside the seam and `modern-era`, that knows which SDK the project uses. */

export type {
  JSONRPCMessage,
  MessageExtraInfo,
  Transport,
  TransportSendOptions,
} from '@modelcontextprotocol/server';

/** The revisions of the protocol that sessions and single requests are served in. */
export const protocolVersions: readonly string[] = SUPPORTED_PROTOCOL_VERSIONS;

/** What handlers learn of the HTTP request. */
export function messageExtra(visit: Visit): MessageExtraInfo {
  const { authInfo } = visit.caller;
  return {
    ...(authInfo && { authInfo }),
    // Most handlers never look at it.
    get request(): Request {
      return webRequest(visit);
    },
  };
}

/** The request as the web platform has it, without its body, which has been read. */
export function webRequest({ request }: Visit, signal?: AbortSignal): Request {
  const headers = new Headers();
  for (const [name, value] of Object.entries(request.headers)) {
    for (const each of [value ?? []].flat()) headers.append(name, each);
  }
  const url = new URL(request.url ?? '/', `http://${request.headers.host ?? 'localhost'}`);
  return new Request(url, { method: request.method ?? 'POST', headers, ...(signal && { signal }) });
}
