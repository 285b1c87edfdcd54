import { createHash } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { Caller, Feature, FeatureContext } from './feature.js';
import { codes, Refusal } from './json-rpc.js';
import { credentialHeaders } from './server-factory.js';
import { flag, list } from './settings.js';

export const credentialSettings = {
  /** Does a caller that sends no credential get the one in the environment? Then it acts in the operator's name. */
  CREDENTIALS_FALLBACK: flag(false),
  /** Variables whose header may be missing; they then have no value. */
  CREDENTIALS_OPTIONAL: list(),
};

/** Every caller brings the credentials that the project reads, in headers; they stand for it in sessions and caches, too. */
export function createCredentials({ config }: FeatureContext): Feature {
  const { CREDENTIALS_FALLBACK: fallsBack, CREDENTIALS_OPTIONAL: optional } = config;
  const recent = new RecentValues();
  return {
    name: 'credentials',
    identify(request: IncomingMessage, caller: Caller): Caller | Refusal {
      const values = new Map<string, string | undefined>();
      for (const { variable, header } of credentialHeaders) {
        const sent = valueIn(request, header);
        if (sent !== undefined)
          for (const form of [sent, JSON.stringify(sent).slice(1, -1)]) recent.add(form);
        const value = sent ?? (fallsBack ? process.env[variable] || undefined : undefined);
        if (value === undefined && !optional.includes(variable)) return missing(header);
        values.set(variable, value);
      }
      const fingerprint = createHash('sha256').update(JSON.stringify([...values.values()]));
      return { ...caller, credentials: { values, fingerprint: fingerprint.digest('base64url') } };
    },
    redact: (line) => recent.redact(line),
  };
}

/** The value of a header, without the word that `authorization` begins with; undefined when it is empty. */
function valueIn(request: IncomingMessage, header: string): string | undefined {
  const value = String(request.headers[header] ?? '').trim();
  return (header === 'authorization' ? value.replace(/^bearer\s+/i, '') : value) || undefined;
}

const missing = (header: string): Refusal =>
  new Refusal(401, codes.refused, `Unauthorized: the header ${header} is missing`, {
    'www-authenticate': `ApiKey header="${header}"`,
  });

const mostRecent = 10_000;
const startLength = 8;

/** Values that callers have sent of late. Finding them in a line costs the same however many there are. */
class RecentValues {
  /** The longest unused first. */
  readonly #values = new Set<string>();
  readonly #byStart = new Map<string, Set<string>>();

  add(value: string): void {
    if (value.length < startLength) return;
    if (this.#values.delete(value)) {
      this.#values.add(value);
      return;
    }
    this.#values.add(value);
    const start = value.slice(0, startLength);
    const alike = this.#byStart.get(start) ?? new Set();
    this.#byStart.set(start, alike.add(value));
    for (const oldest of this.#values) {
      if (this.#values.size <= mostRecent) return;
      this.#values.delete(oldest);
      this.#forget(oldest);
    }
  }

  #forget(value: string): void {
    const start = value.slice(0, startLength);
    const alike = this.#byStart.get(start);
    alike?.delete(value);
    if (alike?.size === 0) this.#byStart.delete(start);
  }

  redact(line: string): string {
    let text = line;
    for (let at = 0; at + startLength <= text.length; at++) {
      for (const value of this.#byStart.get(text.slice(at, at + startLength)) ?? []) {
        if (text.startsWith(value, at))
          text = `${text.slice(0, at)}[redacted]${text.slice(at + value.length)}`;
      }
    }
    return text;
  }
}
