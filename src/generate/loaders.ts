import type { Options, Project } from '../model.js';
import { ownSources } from './own-sources.js';

/** Extensions of imports that esbuild reads without being told how. */
const KNOWN = /^\.(?:[cm]?[jt]sx?|json|css|txt)$/;

/** How esbuild reads files that the project imports and its own bundler has a loader for: `loader: { '.sql': 'text' }`. */
export function loaderFlags(project: Project, options: Options): readonly string[] {
  const imported = new Set(
    ownSources(project, options).flatMap(([, text]) =>
      [...text.matchAll(/\b(?:from|import)\s*\(?\s*['"][^'"\n]*(\.\w+)['"]/g)].map(
        ([, extension = '']) => extension,
      ),
    ),
  );
  const configurations = [...project.files]
    .filter(([path]) => !path.includes('/') || /^(?:scripts?|build|config)\//.test(path))
    .map(([, text]) => text);
  return [...imported]
    .filter((extension) => !KNOWN.test(extension))
    .sort()
    .flatMap((extension) => {
      const loader = new RegExp(
        `\\${extension}['"]?\\s*[:=]\\s*['"]?(text|base64|dataurl|binary|json|empty)\\b`,
      );
      const found = configurations.flatMap((text) => loader.exec(text)?.[1] ?? []);
      return found[0] === undefined ? [] : [`--loader:${extension}=${found[0]}`];
    });
}
