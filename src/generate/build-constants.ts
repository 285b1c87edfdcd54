import type { Diagnostic, Options, Project } from '../model.js';
import type { HttpEntry } from './http-entry.js';
import { ownSources } from './own-sources.js';

const declared = /^[ \t]*(?:export\s+)?declare\s+(?:const|let|var)\s+([\w$]+)/gm;
/** Variables of the environment that a bundler may write the values of; `NODE_ENV` is the environment's own. */
const environment = /(?<![\w$.])(process\.env\.(?!NODE_ENV\b)\w+)/g;

/**
 * Constants that the project's own bundler puts in (`define: { VERSION: … }` for `declare const VERSION: string`, or for
 * `process.env.VERSION`), where the service has a bundle of its own: there nobody would, and its start would fail.
 */
export function buildConstants(
  project: Project,
  options: Options,
  { scripts }: HttpEntry,
): readonly Diagnostic[] {
  if (!/^(?:esbuild|bun build)\b/.test(scripts['build:http'] ?? '')) return [];
  const sources = ownSources(project, options);
  const manifest = project.files.get('package.json') ?? '';
  return sources.flatMap(([file, text]) =>
    [...text.matchAll(declared), ...text.matchAll(environment)].flatMap((match): readonly Diagnostic[] => {
      const name = match[1]!;
      const isGiven = ([other, its]: readonly [string, string]): boolean =>
        other !== file && gives(its, name);
      const [config] = [...sources, ['package.json', manifest] as const].find(isGiven) ?? [];
      if (!config) return [];
      const before = text.slice(0, match.index + match[0].length - name.length).split('\n');
      const at = { file, line: before.length, column: before.at(-1)!.length + 1 };
      return [{ code: 'build-constant', at, args: { name, config } }];
    }),
  );
}

/** Does a bundler's configuration, or a script that runs one, put in a constant? */
function gives(text: string, name: string): boolean {
  const escaped = name.replace(/[$.]/g, '\\$&');
  return new RegExp(
    `(?:\\bdefine\\s*[:=]|\\bDefinePlugin\\()\\s*\\{[\\s\\S]*?(?<![\\w$.])${escaped}['"]?\\s*:|--define[:= ]${escaped}\\s*=`,
  ).test(text);
}
