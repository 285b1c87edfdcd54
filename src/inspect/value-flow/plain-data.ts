import { ts, unwrap } from '../source.js';

/** A literal of so many objects and arrays is taken as one thing, as an imported JSON file is. */
const MUCH = 500;

/**
 * Object and array literals of nothing but literals: tables, JSON Schemas. What a program has of them can be more than
 * all the rest of it, and nobody asks which part of one was changed.
 */
export class PlainData {
  private readonly sizes = new Map<ts.Node, number>();

  isMuch(node: ts.Node): boolean {
    return isCollection(node) && this.sizeOf(node) >= MUCH;
  }

  /** How many objects and arrays it is made of; not a number when anything else than data is in it. */
  private sizeOf(node: ts.Expression): number {
    if (!isCollection(node)) return isPrimitive(node) ? 0 : Number.NaN;
    const known = this.sizes.get(node);
    if (known !== undefined) return known;
    let size = 1;
    for (const part of ts.isArrayLiteralExpression(node) ? node.elements : node.properties) {
      if (ts.isPropertyAssignment(part))
        size += ts.isComputedPropertyName(part.name) ? Number.NaN : this.sizeOf(unwrap(part.initializer));
      else size += ts.isExpression(part) ? this.sizeOf(unwrap(part)) : Number.NaN;
      if (Number.isNaN(size)) break;
    }
    this.sizes.set(node, size);
    return size;
  }
}

const isCollection = (node: ts.Node): node is ts.ArrayLiteralExpression | ts.ObjectLiteralExpression =>
  ts.isArrayLiteralExpression(node) || ts.isObjectLiteralExpression(node);

function isPrimitive(node: ts.Expression): boolean {
  if (ts.isPrefixUnaryExpression(node)) return ts.isNumericLiteral(node.operand);
  return (
    ts.isStringLiteralLike(node) ||
    ts.isNumericLiteral(node) ||
    node.kind === ts.SyntaxKind.TrueKeyword ||
    node.kind === ts.SyntaxKind.FalseKeyword ||
    node.kind === ts.SyntaxKind.NullKeyword
  );
}
