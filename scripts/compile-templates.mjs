// Compiles the templates that are not code, so that a run needs neither their texts nor Handlebars' compiler:
// compiled-templates.js beside src/generate/render.ts and beside what becomes of it. What a template names and its context
// does not have is an error, and nothing is escaped: these files are not HTML. Run by `npm run build`.
import fs from 'node:fs';
import path from 'node:path';
import Handlebars from 'handlebars';

const root = path.resolve(import.meta.dirname, '..');
const sources = path.join(root, 'templates/files');
const targets = ['src/generate', 'build/generate'].map((folder) => path.join(root, folder));

const compiled = fs
  .readdirSync(sources, { recursive: true })
  .filter((file) => file.endsWith('.hbs'))
  .map((file) => {
    const text = fs.readFileSync(path.join(sources, file), 'utf8');
    const name = file
      .split(path.sep)
      .join('/')
      .replace(/\.hbs$/, '');
    const options = { strict: true, noEscape: true, preventIndent: true };
    return `${JSON.stringify(name)}: ${Handlebars.precompile(text, options)},\n`;
  });

for (const folder of targets) {
  fs.mkdirSync(folder, { recursive: true });
  fs.writeFileSync(
    path.join(folder, 'compiled-templates.js'),
    `export const compiledTemplates = {\n${compiled.join('')}};\n`,
  );
}
