import { isText } from '../packages.js';
import { enclosingFunction, ts, unwrap } from '../source.js';
import { Calls } from './calls.js';
import type { Heap } from './heap.js';
import { PlainData } from './plain-data.js';
import { Slot } from './propagation.js';
import {
  isConstruction,
  isDeclared,
  isGlobalObject,
  isModuleExportsObject,
  isPattern,
  literalName,
  propertyName,
  startsAnew,
} from './syntax.js';
import { ANY, EACH, EVERY } from './thing.js';

/** What expressions evaluate to, and what assignments put where. */
export class Expressions {
  readonly calls: Calls;
  readonly plainData = new PlainData();

  constructor(private readonly heap: Heap) {
    this.calls = new Calls(heap, this);
  }

  /** The slot of an expression's value; evaluates it on first use. */
  value(expression: ts.Expression): Slot {
    const node = unwrap(expression);
    const known = this.heap.knownSlot(node);
    if (known) return known;
    const same = this.sameAs(node);
    if (same) {
      this.heap.nameSlot(node, same);
      return same;
    }
    const slot = this.heap.slotOf(node);
    this.evaluate(node, slot);
    return slot;
  }

  /** The slot that holds just what the expression evaluates to, if there is one. */
  private sameAs(node: ts.Expression): Slot | undefined {
    const { heap } = this;
    if (ts.isPropertyAccessExpression(node)) return this.property(node);
    if (ts.isElementAccessExpression(node))
      return heap.read(this.value(node.expression), literalName(node.argumentExpression) ?? EVERY);
    if (ts.isSpreadElement(node)) return heap.read(this.value(node.expression), EACH);
    if (!ts.isIdentifier(node)) return undefined;
    const symbol = heap.sources.symbolOf(node);
    if (!symbol || !isDeclared(symbol) || heap.sources.externalOf(node)) return undefined;
    const declaration = symbol.declarations?.[0];
    const isOther = declaration && (ts.isSourceFile(declaration) || isImport(declaration));
    return isOther ? undefined : heap.slotOf(symbol);
  }

  private evaluate(node: ts.Expression, slot: Slot): void {
    if (ts.isIdentifier(node)) this.evaluateName(node, slot);
    else if (node.kind === ts.SyntaxKind.ThisKeyword || node.kind === ts.SyntaxKind.SuperKeyword)
      this.heap.flow(this.heap.thisOf(node), slot);
    else if (this.plainData.isMuch(node)) this.heap.put(this.heap.opaque(node), slot);
    else if (ts.isObjectLiteralExpression(node)) this.evaluateObject(node, slot);
    else if (ts.isArrayLiteralExpression(node)) this.evaluateArray(node, slot);
    else if (ts.isArrowFunction(node) || ts.isFunctionExpression(node))
      this.heap.put(this.heap.make('function', node), slot);
    else if (ts.isClassExpression(node)) this.heap.put(this.heap.make('class', node), slot);
    else if (ts.isConditionalExpression(node)) {
      this.heap.flow(this.value(node.whenTrue), slot);
      this.heap.flow(this.value(node.whenFalse), slot);
    } else if (ts.isBinaryExpression(node)) this.evaluateBinary(node, slot);
    else if (ts.isPrefixUnaryExpression(node) || ts.isPostfixUnaryExpression(node)) {
      if (node.operator === ts.SyntaxKind.PlusPlusToken || node.operator === ts.SyntaxKind.MinusMinusToken)
        this.assign(node.operand, new Slot(), node);
    } else if (ts.isDeleteExpression(node)) this.assign(node.expression, new Slot(), node);
    else if (ts.isYieldExpression(node) && node.expression) {
      this.heap.flow(this.value(node.expression), slot);
      this.returns(node, node.expression);
    } else if (ts.isNewExpression(node)) this.calls.evaluateNew(node, slot);
    else if (ts.isCallExpression(node)) this.calls.evaluateCall(node, slot);
    else if (ts.isTaggedTemplateExpression(node)) this.calls.evaluateTagged(node, slot);
    else if (ts.isRegularExpressionLiteral(node) && /[gy]\w*$/.test(node.text))
      this.heap.put(this.heap.make('collection', node), slot);
  }

  private evaluateName(node: ts.Identifier, slot: Slot): void {
    const symbol = this.heap.sources.symbolOf(node);
    if (!symbol || !isDeclared(symbol)) {
      if (/^(?:globalThis|global)$/.test(node.text)) this.heap.put(this.heap.global, slot);
      return;
    }
    const from = this.heap.sources.externalOf(node);
    if (from) {
      if (!isText(from.module, from.name)) this.heap.put(this.heap.packageThing(from, node), slot);
      return;
    }
    const declaration = symbol.declarations?.[0];
    if (!declaration) return;
    if (ts.isSourceFile(declaration)) {
      const isPassedOn = !(ts.isPropertyAccessExpression(node.parent) && node.parent.expression === node);
      this.heap.put(
        isPassedOn
          ? this.heap.make('module', node, { node: declaration, isPassedOn })
          : this.heap.make('module', declaration),
        slot,
      );
    } else if (isImport(declaration)) {
      this.heap.put(this.heap.opaque(declaration), slot);
      this.heap.flow(this.heap.slotOf(symbol), slot);
    }
  }

  private evaluateObject(node: ts.ObjectLiteralExpression, slot: Slot): void {
    const thing = this.heap.make('collection', node);
    this.heap.put(thing, slot);
    for (const property of node.properties) {
      if (ts.isSpreadAssignment(property)) {
        this.heap.flow(this.heap.read(this.value(property.expression), EACH), this.heap.field(thing, ANY));
        continue;
      }
      const name = propertyName(property.name) ?? ANY;
      if (ts.isPropertyAssignment(property))
        this.heap.flow(this.value(property.initializer), this.heap.field(thing, name));
      else if (ts.isShorthandPropertyAssignment(property)) {
        const symbol = this.heap.sources.symbolOf(property.name);
        if (symbol) this.heap.flow(this.value(property.name), this.heap.field(thing, name));
      } else if (ts.isMethodDeclaration(property))
        this.heap.put(this.heap.make('function', property), this.heap.field(thing, name));
      else if (ts.isGetAccessorDeclaration(property))
        this.heap.flow(this.heap.returned(property), this.heap.field(thing, name));
      const fn = ts.isPropertyAssignment(property) ? unwrap(property.initializer) : property;
      if (ts.isFunctionLike(fn) && !ts.isArrowFunction(fn)) this.heap.put(thing, this.heap.selfOf(fn));
    }
  }

  private evaluateArray(node: ts.ArrayLiteralExpression, slot: Slot): void {
    const thing = this.heap.make('collection', node, { isList: true });
    this.heap.put(thing, slot);
    for (const element of node.elements) this.heap.flow(this.value(element), this.heap.field(thing, ANY));
  }

  private property(node: ts.PropertyAccessExpression): Slot {
    const named = isGlobalObject(this.heap.sources, node.expression)
      ? undefined
      : this.heap.sources.symbolOf(node);
    // A module that another exports (`export * as shopping from './shopping.js'`) is no variable.
    const member = named?.declarations?.some(ts.isSourceFile) ? undefined : named;
    return member ? this.heap.slotOf(member) : this.heap.read(this.value(node.expression), node.name.text);
  }

  private evaluateBinary(node: ts.BinaryExpression, slot: Slot): void {
    const operator = node.operatorToken.kind;
    if (operator >= ts.SyntaxKind.FirstAssignment && operator <= ts.SyntaxKind.LastAssignment) {
      const right = this.value(node.right);
      this.heap.flow(right, slot);
      if (operator !== ts.SyntaxKind.EqualsToken) this.heap.flow(this.value(node.left), slot);
      this.assign(node.left, right, node);
    } else if (
      operator === ts.SyntaxKind.BarBarToken ||
      operator === ts.SyntaxKind.QuestionQuestionToken ||
      operator === ts.SyntaxKind.AmpersandAmpersandToken
    ) {
      this.heap.flow(this.value(node.left), slot);
      this.heap.flow(this.value(node.right), slot);
    } else if (operator === ts.SyntaxKind.CommaToken) this.heap.flow(this.value(node.right), slot);
  }

  /** A `return` or `yield` gives its value to the function around it. */
  returns(statement: ts.Node, expression: ts.Expression): void {
    const fn = enclosingFunction(statement);
    if (fn) this.heap.flow(this.value(expression), this.heap.returned(fn));
  }

  // ---- names and assignments ----

  /** Gives a declared name, or each name of a pattern, its part of a value. */
  bind(name: ts.BindingName, value: Slot): void {
    if (ts.isIdentifier(name)) {
      const symbol = this.heap.sources.checker.getSymbolAtLocation(name);
      if (symbol) this.heap.flow(value, this.heap.slotOf(symbol));
      return;
    }
    for (const element of name.elements) {
      if (!ts.isBindingElement(element)) continue;
      const part = this.heap.slotOf(element);
      if (element.initializer) this.heap.flow(this.value(element.initializer), part);
      const key =
        ts.isArrayBindingPattern(name) || element.dotDotDotToken
          ? EACH
          : (propertyName(element.propertyName ?? element.name) ?? EVERY);
      this.heap.flow(this.heap.read(value, key), part);
      // Entries of a map are not modelled as pairs: the value may be the thing itself.
      if (ts.isArrayBindingPattern(name)) this.heap.flow(value, part);
      this.bind(element.name, part);
    }
  }

  /** An assignment expression's target, or a part of a destructuring one. */
  assign(target: ts.Expression, value: Slot, at: ts.Node): void {
    const to = unwrap(target);
    const member = ts.isPropertyAccessExpression(to) ? this.heap.sources.symbolOf(to) : undefined;
    const isMember = member?.valueDeclaration && ts.isVariableDeclaration(member.valueDeclaration);
    if (ts.isIdentifier(to) || isMember) {
      const symbol = member ?? this.heap.sources.symbolOf(to);
      if (!symbol) return;
      this.heap.flow(value, this.heap.slotOf(symbol));
      this.heap.recordWrite(symbol, at);
    } else if (ts.isPropertyAccessExpression(to)) this.assignProperty(to.expression, to.name.text, value, at);
    else if (ts.isElementAccessExpression(to))
      this.assignProperty(to.expression, literalName(to.argumentExpression) ?? ANY, value, at);
    else if (ts.isArrayLiteralExpression(to))
      for (const element of to.elements)
        this.assign(ts.isSpreadElement(element) ? element.expression : element, value, at);
    else if (ts.isObjectLiteralExpression(to))
      for (const property of to.properties) {
        if (ts.isShorthandPropertyAssignment(property)) this.assign(property.name, value, at);
        else if (ts.isPropertyAssignment(property)) this.assign(property.initializer, value, at);
      }
    else if (ts.isBinaryExpression(to)) this.assign(to.left, value, at);
  }

  private assignProperty(base: ts.Expression, name: string, value: Slot, at: ts.Node): void {
    if (isGlobalObject(this.heap.sources, base)) this.heap.globalWrites.add(at);
    if (isModuleExportsObject(this.heap.sources, base)) {
      this.heap.globalWrites.add(at);
      return;
    }
    const inConstruction = base.kind === ts.SyntaxKind.ThisKeyword && isConstruction(base);
    const isReset = startsAnew(at);
    this.heap.watch(this.value(base), (thing) => {
      if (!(isReset && isPattern(thing.node)))
        this.heap.store(thing, name, value, inConstruction ? undefined : at);
    });
  }
}

/** The import of a file that is no module: JSON. */
const isImport = (declaration: ts.Declaration): boolean =>
  ts.isImportClause(declaration) || ts.isNamespaceImport(declaration);
