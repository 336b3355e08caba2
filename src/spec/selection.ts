/** Cells by the values on their axes: which axes there are, which cells a selector takes. */
import type { Cell, Selector } from "./pipeline-spec.ts";

/** The names of all axes of some cells, in the order in which they appear. */
export function axesOf(cells: Iterable<Cell>): string[] {
  const axes = new Set<string>();
  for (const cell of cells) for (const axis in cell) axes.add(axis);
  return [...axes];
}

/** Whether a cell has one of the wanted values on every axis of a selector. */
export function isSelected(cell: Cell, selector: Selector): boolean {
  for (const axis in selector) {
    const wanted = selector[axis];
    const value = cell[axis];
    if (value === undefined) return false;
    if (Array.isArray(wanted) ? !wanted.includes(value) : wanted !== value)
      return false;
  }
  return true;
}
