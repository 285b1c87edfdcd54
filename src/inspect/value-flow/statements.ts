import { isOfOtherProgram } from '../other-program.js';
import { ownModuleOf, ts } from '../source.js';
import { Expressions } from './expressions.js';
import type { Heap } from './heap.js';
import { isStaticMember, propertyName } from './syntax.js';
import { EACH } from './thing.js';

/** What statements and declarations of a file say about which things flow where. */
export class Statements {
  private readonly expressions: Expressions;

  constructor(private readonly heap: Heap) {
    this.expressions = new Expressions(heap);
  }

  visit(root: ts.Node): void {
    const walk = (node: ts.Node): void => {
      if (ts.isTypeNode(node) || ts.isInterfaceDeclaration(node) || ts.isTypeAliasDeclaration(node)) return;
      if (isOfOtherProgram(this.heap.sources, node)) return;
      if (!this.expressions.plainData.isMuch(node)) ts.forEachChild(node, walk);
      this.generate(node);
    };
    walk(root);
  }

  private generate(node: ts.Node): void {
    const { expressions, heap } = this;
    if (ts.isVariableDeclaration(node)) {
      // Names that stand for what a module exports are that module's.
      const isImport = !ts.isIdentifier(node.name) && ownModuleOf(heap.sources, node.name) !== undefined;
      if (node.initializer && !isImport) expressions.bind(node.name, expressions.value(node.initializer));
    } else if (ts.isReturnStatement(node) && node.expression) expressions.returns(node, node.expression);
    else if (ts.isForOfStatement(node)) this.iterate(node);
    else if (ts.isParameter(node) && node.initializer && ts.isIdentifier(node.name))
      expressions.bind(node.name, expressions.value(node.initializer));
    else if (ts.isParameter(node) && !ts.isIdentifier(node.name))
      expressions.bind(node.name, heap.slotOf(node));
    else if (ts.isPropertyDeclaration(node)) this.declareField(node);
    else if (ts.isExportAssignment(node)) this.exportDefault(node);
    else if (ts.isDecorator(node)) expressions.calls.decorate(node);
    else if (ts.isExpression(node) && !isName(node)) expressions.value(node);
    if (ts.isArrowFunction(node) && !ts.isBlock(node.body))
      heap.flow(expressions.value(node.body), heap.returned(node));
    if (ts.isFunctionDeclaration(node) || ts.isClassDeclaration(node)) this.declare(node);
  }

  private declare(node: ts.FunctionDeclaration | ts.ClassDeclaration): void {
    const symbol = node.name
      ? this.heap.sources.checker.getSymbolAtLocation(node.name)
      : (node as { symbol?: ts.Symbol }).symbol;
    const kind = ts.isClassLike(node) ? 'class' : 'function';
    if (symbol) this.heap.put(this.heap.make(kind, node), this.heap.slotOf(symbol));
  }

  private exportDefault(node: ts.ExportAssignment): void {
    const symbol = (node as { symbol?: ts.Symbol }).symbol;
    const value = this.expressions.value(node.expression);
    this.heap.flow(value, this.heap.slotOf(node));
    if (symbol) this.heap.flow(value, this.heap.slotOf(symbol));
  }

  private declareField(node: ts.PropertyDeclaration): void {
    const name = propertyName(node.name);
    if (isStaticMember(node)) {
      if (node.initializer) this.heap.flow(this.expressions.value(node.initializer), this.heap.slotOf(node));
      return;
    }
    if (!node.initializer || name === undefined) return;
    const value = this.expressions.value(node.initializer);
    this.heap.watch(this.heap.thisOf(node), (self) => this.heap.store(self, name, value, undefined));
  }

  private iterate(node: ts.ForOfStatement): void {
    const element = this.heap.slotOf(node);
    this.heap.flow(this.heap.read(this.expressions.value(node.expression), EACH), element);
    if (ts.isVariableDeclarationList(node.initializer)) {
      for (const declaration of node.initializer.declarations)
        this.expressions.bind(declaration.name, element);
    } else this.expressions.assign(node.initializer, element, node);
  }
}

/** A name that is not evaluated, as of a property: asking for its symbol would make the checker infer types. */
const isName = (node: ts.Node): boolean => (node.parent as { name?: ts.Node }).name === node;
