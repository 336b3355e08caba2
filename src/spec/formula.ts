/**
 * The arithmetic of a claim: `all - none`, `(a - b) - (c - d)`, `few / fewRandom - many / manyRandom`.
 *
 * A formula is names, numbers, `+ - * /` and brackets, with the usual precedence, and nothing else: a figure that needs
 * more than arithmetic belongs into the stage that measures. A name begins with a letter and has letters, digits and
 * `_`; a hyphen is always a minus. Parsing never throws: what is wrong is a message, so that the file's checker can
 * say where it stands.
 */
type Operator = "+" | "-" | "*" | "/";

export type Formula =
  | { readonly kind: "number"; readonly value: number }
  | { readonly kind: "name"; readonly name: string }
  | {
      readonly kind: "operation";
      readonly operator: Operator;
      readonly left: Formula;
      readonly right: Formula;
    };

export type ParsedFormula =
  | { readonly ok: true; readonly formula: Formula }
  | { readonly ok: false; readonly message: string };

const TOKEN = /\s*(?:([A-Za-z]\w*)|(\d+(?:\.\d+)?)|([-+*/()]))/y;
/** Of brackets in brackets: far above what a person writes, far below what would exhaust the stack. */
const MAX_DEPTH = 50;

const OPERATIONS: Readonly<Record<Operator, (a: number, b: number) => number>> =
  {
    "+": (a, b) => a + b,
    "-": (a, b) => a - b,
    "*": (a, b) => a * b,
    "/": (a, b) => a / b,
  };

/** A formula, or what is wrong with the text. */
export function parseFormula(text: string): ParsedFormula {
  try {
    return { ok: true, formula: createParser(tokensOf(text)).parse() };
  } catch (thrown) {
    if (!(thrown instanceof FormulaError)) throw thrown;
    return { ok: false, message: thrown.message };
  }
}

/** Its value where the names have these values; not finite where it divides by nought. */
export function evaluateFormula(
  formula: Formula,
  values: ReadonlyMap<string, number>,
): number {
  if (formula.kind === "number") return formula.value;
  if (formula.kind === "name") {
    const value = values.get(formula.name);
    if (value === undefined)
      throw new RangeError(`the formula's '${formula.name}' has no value`);
    return value;
  }
  const { operator, left, right } = formula;
  return OPERATIONS[operator](
    evaluateFormula(left, values),
    evaluateFormula(right, values),
  );
}

/** The names in it, each once, in their order. */
export function namesOf(formula: Formula): readonly string[] {
  if (formula.kind === "number") return [];
  if (formula.kind === "name") return [formula.name];
  return [...new Set([...namesOf(formula.left), ...namesOf(formula.right)])];
}

/** Whether it is what remains of one thing when another is taken off: such a figure is printed with its sign. */
export function isDifference(formula: Formula): boolean {
  return formula.kind === "operation" && formula.operator === "-";
}

/** Thrown and caught in this file only. */
class FormulaError extends Error {}

function tokensOf(text: string): string[] {
  const tokens: string[] = [];
  const end = text.trimEnd().length;
  for (let at = 0; at < end; at = TOKEN.lastIndex) {
    TOKEN.lastIndex = at;
    const found = TOKEN.exec(text);
    if (found === null)
      throw new FormulaError(
        `expected a name, a number, an operator or a bracket, found '${text.slice(at).trim()[0]}'`,
      );
    tokens.push(found[0].trim());
  }
  return tokens;
}

function createParser(tokens: readonly string[]) {
  let at = 0;
  let depth = 0;
  const found = () => (at < tokens.length ? `'${tokens[at]}'` : "the end");

  function sum(): Formula {
    return chain(["+", "-"], () => chain(["*", "/"], operand));
  }

  /** Operators of one rank, from left to right. */
  function chain(operators: readonly Operator[], next: () => Formula): Formula {
    let left = next();
    for (;;) {
      const operator = operators.find((sign) => sign === tokens[at]);
      if (operator === undefined) return left;
      at++;
      left = { kind: "operation", operator, left, right: next() };
    }
  }

  function operand(): Formula {
    const token = tokens[at] ?? "";
    if (token === "(") return inBrackets();
    if (!/^\w/.test(token))
      throw new FormulaError(`expected a name or a number, found ${found()}`);
    at++;
    return /^\d/.test(token)
      ? { kind: "number", value: Number(token) }
      : { kind: "name", name: token };
  }

  function inBrackets(): Formula {
    if (++depth > MAX_DEPTH)
      throw new FormulaError(`expected at most ${MAX_DEPTH} open brackets`);
    at++;
    const inner = sum();
    if (tokens[at] !== ")")
      throw new FormulaError(`expected ')', found ${found()}`);
    at++;
    depth--;
    return inner;
  }

  return {
    parse(): Formula {
      const formula = sum();
      if (at < tokens.length)
        throw new FormulaError(`expected an operator, found ${found()}`);
      return formula;
    },
  };
}
