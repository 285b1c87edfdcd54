import type { Change, Project } from '../model.js';

/** Does every line of the text end as on Windows? */
const isCrlf = (text: string): boolean => /\r\n/.test(text) && !/(?<!\r)\n/.test(text);

/** The project with the line endings that the rewriter reads and writes. */
export function withPlainLines(project: Project): Project {
  const files = [...project.files].map(
    ([path, text]) => [path, isCrlf(text) ? text.replaceAll('\r\n', '\n') : text] as const,
  );
  return files.every(([path, text]) => project.files.get(path) === text)
    ? project
    : { ...project, files: new Map(files) };
}

/**
 * Changes of the project with plain lines, as changes of the project itself.
 *
 * @param like the module whose line endings new ones follow
 */
export function withOwnLines(changes: readonly Change[], { files }: Project, like: string): Change[] {
  return changes.map((change) => {
    const before = files.get(change.path) ?? null;
    const isOwn = isCrlf(before ?? files.get(like) ?? '');
    return isOwn ? { ...change, before, after: change.after?.replaceAll('\n', '\r\n') ?? null } : change;
  });
}
