import type { Options, Project } from '../model.js';

/** The project's own source files, by path: everything but the service. */
export const ownSources = (project: Project, { out }: Options): [file: string, text: string][] =>
  [...project.files].filter(([file]) => /\.[cm]?[jt]sx?$/.test(file) && !file.startsWith(`${out}/`));
