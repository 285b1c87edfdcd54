import type { Analysis } from '../inspect/analysis.js';
import { descendants, enclosingFunction, ts } from '../inspect/source.js';
import type { CredentialHeader, Diagnostic, Options, Project } from '../model.js';

/** `GITHUB_TOKEN` → `x-github-token`, unless another header was named. */
export function headersFor(names: ReadonlySet<string>, { credentialHeader }: Options): CredentialHeader[] {
  const named = new Map(
    credentialHeader.map((entry) => [entry.split('=', 1)[0], entry.split('=', 2)[1]] as const),
  );
  return [...names].map((variable) => ({
    variable,
    header: (named.get(variable) ?? `x-${variable.replaceAll('_', '-')}`).toLowerCase(),
  }));
}

/** Headers that mean something else already. */
const TAKEN =
  /^(?:accept(?:-.*)?|connection|content-.*|cookie|expect|host|keep-alive|last-event-id|mcp-.*|origin|te|trailer|transfer-encoding|upgrade|via|x-forwarded-.*|x-request-id)$/;

/** Headers that cannot carry a credential. */
export function badHeaders(names: ReadonlySet<string>, options: Options): Diagnostic[] {
  const seen = new Set<string>();
  return headersFor(names, options).flatMap(({ variable, header }): Diagnostic[] => {
    const reason = !/^[a-z0-9!#$%&'*+.^_`|~-]+$/.test(header)
      ? 'it is not the name of a header'
      : TAKEN.test(header)
        ? 'it has a meaning of its own'
        : header === 'authorization' && options.auth !== 'none'
          ? `--auth ${options.auth} takes it`
          : seen.has(header)
            ? 'another variable is sent in it'
            : undefined;
    seen.add(header);
    return reason ? [{ code: 'credential-header-unusable', args: { name: variable, header, reason } }] : [];
  });
}

/** Modules that are found at run time only: what they read from the environment is not seen. */
export function readOutside(project: Project, { sources, credentials }: Analysis): Diagnostic[] {
  if (credentials.names.size === 0) return [];
  const loadsUnseen = [...sources.files.values()].some((file) =>
    descendants(file, ts.isCallExpression).some(
      (call) =>
        (call.expression.kind === ts.SyntaxKind.ImportKeyword ||
          (call.expression.getText() === 'require' && enclosingFunction(call) !== undefined)) &&
        call.arguments[0] !== undefined &&
        !ts.isStringLiteralLike(call.arguments[0]),
    ),
  );
  if (!loadsUnseen) return [];
  return [...project.files].flatMap(([path, text]): Diagnostic[] => {
    if (
      sources.files.has(path) ||
      !/\.[cm]?[jt]sx?$/.test(path) ||
      /(?:^|\/)(?:tests?|scripts?)\/|\.(?:test|spec|d)\./.test(path)
    )
      return [];
    const lines = text.split('\n');
    return [...credentials.names].flatMap((name): Diagnostic[] => {
      const line = lines.findIndex((one) => new RegExp(`\\benv\\b.*\\b${name}\\b`).test(one));
      return line < 0
        ? []
        : [
            {
              code: 'credential-not-followed',
              at: { file: path, line: line + 1, column: 1 },
              args: { name },
            },
          ];
    });
  });
}
