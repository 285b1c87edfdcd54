import { URL } from 'node:url';
import type { AuthInfo } from './feature.js';
import type { MessageExtraInfo } from './sdk.js';
import type { MessageOrigin } from './session-worker.js';

/** What comes with a message, in a form that can be sent to a worker. */
export function originOf(extra: MessageExtraInfo | undefined): MessageOrigin | undefined {
  const { request, authInfo } = extra ?? {};
  if (!request) return undefined;
  return {
    headers: Object.fromEntries(request.headers),
    url: request.url,
    method: request.method,
    authInfo: authInfo && { ...authInfo, resource: authInfo.resource?.href },
  };
}

/** The same as handlers get it. */
export function extraOf(origin: MessageOrigin | undefined): MessageExtraInfo {
  if (!origin) return {};
  const { headers, url, method, authInfo } = origin;
  const sent = Object.entries(headers).map(([name, value]): [string, string] => [name, String(value)]);
  const request = new Request(url, { method, headers: sent });
  return authInfo ? { request, authInfo: restored(authInfo) } : { request };
}

function restored({ resource, ...rest }: NonNullable<MessageOrigin['authInfo']>): AuthInfo {
  return resource === undefined ? rest : { ...rest, resource: new URL(resource) };
}
