import { URL } from 'node:url';
import type { AuthInfo } from './feature.js';
import type { MessageExtraInfo } from './sdk.js';
import type { MessageOrigin } from './session-worker.js';

interface Known {
  requestInfo?: { headers: MessageOrigin['headers']; url: URL };
  authInfo?: AuthInfo;
}

/** What comes with a message, in a form that can be sent to a worker. */
export function originOf(extra: MessageExtraInfo | undefined): MessageOrigin | undefined {
  const { requestInfo, authInfo } = (extra ?? {}) as Known;
  if (!requestInfo) return undefined;
  return {
    headers: requestInfo.headers,
    url: requestInfo.url.href,
    method: 'POST',
    authInfo: authInfo && { ...authInfo, resource: authInfo.resource?.href },
  };
}

/** The same as handlers get it. */
export function extraOf(origin: MessageOrigin | undefined): MessageExtraInfo {
  if (!origin) return {};
  const { headers, url, authInfo } = origin;
  const requestInfo = { headers, url: new URL(url) };
  const extra = authInfo ? { requestInfo, authInfo: restored(authInfo) } : { requestInfo };
  return extra as MessageExtraInfo;
}

function restored({ resource, ...rest }: NonNullable<MessageOrigin['authInfo']>): AuthInfo {
  return resource === undefined ? rest : { ...rest, resource: new URL(resource) };
}
