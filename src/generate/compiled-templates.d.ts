/** `templates/files` as Handlebars compiled it, by path there without `.hbs`; written by `scripts/compile-templates.mjs`. */
export declare const compiledTemplates: Readonly<Record<string, TemplateSpecification>>;
