/** The TypeScript that @ts-morph/common carries, by itself: the package's main module takes another 100 ms to load. */
declare module '@ts-morph/common/dist/typescript.js' {
  import { ts } from '@ts-morph/common';
  export = ts;
}
