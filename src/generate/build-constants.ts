import type { Diagnostic, Options, Project } from '../model.js';
import type { HttpEntry } from './http-entry.js';

const declared = /^[ \t]*(?:export\s+)?declare\s+(?:const|let|var)\s+([\w$]+)/gm;

/**
 * Constants that the project's own bundler puts in (`define: { VERSION: … }` for `declare const VERSION: string`), where
 * the service has a bundle of its own: there nobody would, and its start would fail.
 */
export function buildConstants(
  project: Project,
  { out }: Options,
  { scripts }: HttpEntry,
): readonly Diagnostic[] {
  if (!/^(?:esbuild|bun build)\b/.test(scripts['build:http'] ?? '')) return [];
  const sources = [...project.files].filter(
    ([file]) => /\.[cm]?[jt]sx?$/.test(file) && !file.startsWith(`${out}/`),
  );
  return sources.flatMap(([file, text]) =>
    [...text.matchAll(declared)].flatMap((match): readonly Diagnostic[] => {
      const name = match[1]!;
      const given = new RegExp(`\\bdefine\\b[\\s\\S]*\\b${name.replace(/\$/g, '\\$')}\\b['"]?\\s*:`);
      const config = sources.find(([other, its]) => other !== file && given.test(its));
      if (!config) return [];
      const before = text.slice(0, match.index + match[0].length - name.length).split('\n');
      const at = { file, line: before.length, column: before.at(-1)!.length + 1 };
      return [{ code: 'build-constant', at, args: { name, config: config[0] } }];
    }),
  );
}
