import Handlebars from 'handlebars';

/**
 * Renders one template that is not code. What a template names and `context` does not have is an error, and nothing
 * is escaped: these files are not HTML.
 */
export function renderTemplate(text: string, context: object): string {
  return Handlebars.compile(text, { strict: true, noEscape: true, preventIndent: true })(context);
}
