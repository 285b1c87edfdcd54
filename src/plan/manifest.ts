/** The manifest: what the next run, an update or a verification needs to know of a converted project. */

import type { Diagnostic, Manifest, Project } from '../model.js';

export const MANIFEST = '.create-mcp-prod.json';

/** The manifest of a converted project, nothing when the project has none, or why it cannot be read. */
export function readManifest(project: Project): Manifest | Diagnostic | undefined {
  const text = project.files.get(MANIFEST);
  if (text === undefined) return undefined;
  const unreadable = (reason: string): Diagnostic => ({ code: 'manifest-invalid', args: { reason } });
  try {
    const value = JSON.parse(text) as Partial<Manifest>;
    for (const member of ['version', 'options', 'seam', 'base'] as const) {
      if (value[member] === undefined) return unreadable(`"${member}" is missing`);
    }
    return value as Manifest;
  } catch (error) {
    return unreadable((error as Error).message);
  }
}

export const printManifest = (manifest: Manifest): string => `${JSON.stringify(manifest, null, 2)}\n`;
