/** A node of a graph, with what the search for its component notes. */
export interface Connected<N> {
  readonly targets: Iterable<N>;
  visit?: { readonly search: object; readonly order: number; lowest: number; isOpen: boolean } | undefined;
}

/** The components of more than one node whose members reach each other (Tarjan 1972, without recursion). */
export function stronglyConnected<N extends Connected<N>>(roots: Iterable<N>): N[][] {
  const components: N[][] = [];
  const search = {};
  const open: N[] = [];
  let order = 0;
  const enter = (node: N) => {
    const visit = { search, order, lowest: order, isOpen: true };
    order++;
    node.visit = visit;
    open.push(node);
    return { node, visit, rest: node.targets[Symbol.iterator]() };
  };
  for (const root of roots) {
    if (root.visit?.search === search) continue;
    const path = [enter(root)];
    for (let at = path.at(-1); at; at = path.at(-1)) {
      const next = at.rest.next();
      if (!next.done) {
        const known = next.value.visit;
        if (known?.search !== search) path.push(enter(next.value));
        else if (known.isOpen) at.visit.lowest = Math.min(at.visit.lowest, known.order);
        continue;
      }
      path.pop();
      const parent = path.at(-1);
      if (parent) parent.visit.lowest = Math.min(parent.visit.lowest, at.visit.lowest);
      if (at.visit.lowest !== at.visit.order) continue;
      const component: N[] = [];
      for (let member = open.pop()!; ; member = open.pop()!) {
        member.visit!.isOpen = false;
        component.push(member);
        if (member === at.node) break;
      }
      if (component.length > 1) components.push(component);
    }
  }
  return components;
}
