/**
 * HTML that can not be injected into: the tag `html` escapes every value that is not itself made by the tag.
 * The one unescaped way in is `trustedMarkup`, for constants of this program.
 */

import { toPlainText } from "../format.ts";

export type Markup = { readonly markup: string };

/** What may stand in a template: text (escaped), numbers, markup, lists of these; null is nothing. */
export type Content = Markup | string | number | null | readonly Content[];

/** Markup that is known to be safe: constants of the program, never data. */
export function trustedMarkup(markup: string): Markup {
  return { markup };
}

/** The tag: html`<td>${anything}</td>`. Attribute values must be quoted in the template. */
export function html(
  strings: TemplateStringsArray,
  ...contents: readonly Content[]
): Markup {
  const parts = strings.map((text, index) =>
    index < contents.length ? text + render(contents[index] as Content) : text,
  );
  return { markup: parts.join("") };
}

function render(content: Content): string {
  if (content === null) return "";
  if (typeof content === "string") return escapeText(content);
  if (typeof content === "number") return String(content);
  if ("markup" in content) return content.markup;
  return content.map(render).join("");
}

const ESCAPES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

/** Text for element content and for quoted attributes. */
export function escapeText(text: string): string {
  return toPlainText(text).replace(
    /[&<>"']/g,
    (found) => ESCAPES[found] as string,
  );
}
