import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  escapeText,
  html,
  trustedMarkup,
} from "../../../src/report/html/markup.ts";

describe("html", () => {
  it("escapes text, in content and in attributes", () => {
    const name = `"><script>alert('x')</script>&`;
    expect(html`<td title="${name}">${name}</td>`.markup).toBe(
      '<td title="&quot;&gt;&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;&amp;">&quot;&gt;&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;&amp;</td>',
    );
  });

  it("leaves markup, numbers and lists of them as they are, and null out", () => {
    const rows = [html`<b>1</b>`, 2, "<", null, trustedMarkup("<i>")];
    expect(html`${rows}`.markup).toBe("<b>1</b>2&lt;<i>");
  });

  it("lets no text through that could open a tag or leave an attribute", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (text) => {
        expect(escapeText(text)).not.toMatch(/[<>"']/);
      }),
    );
  });

  it("replaces control characters, which HTML forbids, and keeps tabs and line ends", () => {
    expect(escapeText("a\u0000b\u001b[31mc\u0085d\te\n")).toBe(
      "a\uFFFDb\uFFFD[31mc\uFFFDd\te\n",
    );
  });
});
