import type Handlebars from 'handlebars';
import runtime from 'handlebars/runtime.js';

import { compiledTemplates } from './compiled-templates.js';

// The package's types say nothing of what its runtime exports.
const { template } = runtime as unknown as Pick<typeof Handlebars, 'template'>;

/** Renders one template that is not code, by its path below `templates/files`, without `.hbs`. */
export function renderTemplate(name: string, context: object): string {
  const compiled = compiledTemplates[name];
  if (!compiled) throw new Error(`there is no template files/${name}.hbs`);
  return template(compiled)(context);
}
