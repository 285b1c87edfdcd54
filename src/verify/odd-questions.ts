import { isRecord } from './canonical.js';
import { membersOf, type Surface } from './surface.js';
import type { Call } from './transcript.js';

/** Completions asked for; a server with a hundred prompts needs no hundred questions. */
const MOST_COMPLETIONS = 24;

/**
 * Requests at the edge of the protocol: what does not exist, what is malformed, what completes an argument.
 * @param callable tools that may be called: what a server does with malformed arguments is its own affair.
 */
export function oddQuestions(surface: Surface, callable: readonly Record<string, unknown>[]): Call[] {
  const capabilities = isRecord(surface.capabilities) ? surface.capabilities : {};
  return [
    ...('logging' in capabilities ? [ask('logging/setLevel', 'logging/setLevel', { level: 'debug' })] : []),
    ask('ping', 'ping'),
    ask('an unknown method', 'verify/unknown', {}),
    ask('an unknown tool', 'tools/call', (word) => ({ name: `no-${word}`, arguments: {} })),
    ask('tools/call without a name', 'tools/call', {}),
    ask('an unknown resource', 'resources/read', (word) => ({ uri: `verify://${word}` })),
    ask('an unknown prompt', 'prompts/get', (word) => ({ name: `no-${word}` })),
    ...callable.map(({ name }) =>
      ask(`invalid arguments for tool ${name}`, 'tools/call', { name, arguments: { verify: null } }),
    ),
    ...('completions' in capabilities ? completions(surface).slice(0, MOST_COMPLETIONS) : []),
  ];
}

type Params = Record<string, unknown>;

function ask(label: string, method: string, params?: Params | ((word: string) => Params)): Call {
  return {
    label,
    method,
    odd: true,
    params: (word) => (typeof params === 'function' ? params(word) : params),
  };
}

function completions(surface: Surface): Call[] {
  const ofPrompts = membersOf(surface.prompts).flatMap(({ name, arguments: declared }) =>
    (Array.isArray(declared) ? declared : []).filter(isRecord).map((argument) => ({
      ref: { type: 'ref/prompt', name },
      argument: { name: argument.name, value: '' },
    })),
  );
  const ofTemplates = membersOf(surface.resourceTemplates).flatMap(({ uriTemplate: uri }) =>
    [...String(uri).matchAll(/\{[+#./;?&]?([\w.]+)\*?\}/g)].map(([, name]) => ({
      ref: { type: 'ref/resource', uri },
      argument: { name, value: '' },
    })),
  );
  return [...ofPrompts, ...ofTemplates].map((params) =>
    ask(
      `completion of ${params.argument.name} for ${JSON.stringify(params.ref)}`,
      'completion/complete',
      params,
    ),
  );
}
