/** An answer that is no success, as the error that `failure.ts` understands: shaped as the SDK's are. */
import type { Answer } from "./answer.ts";

const entities: Readonly<Record<string, string>> = {
  "&lt;": "<",
  "&gt;": ">",
  "&quot;": '"',
  "&apos;": "'",
  "&amp;": "&",
};

/** Statuses without a body, or with one that is no XML of S3's, get S3's usual code where there is one. */
const usualCodes: Readonly<Record<number, string>> = {
  304: "NotModified",
  412: "PreconditionFailed",
  416: "InvalidRange",
};

export class Refusal extends Error {
  override readonly name: string;
  readonly $metadata: { readonly httpStatusCode: number };
  readonly $response: {
    readonly statusCode: number;
    readonly headers: Readonly<Record<string, string>>;
  };

  constructor({ head, errorBody }: Answer) {
    const xml = errorBody.toString("utf8");
    const { status, headers } = head;
    const code = textOf(xml, "Code") ?? usualCodes[status] ?? "Unknown";
    super(textOf(xml, "Message") ?? `the server answered ${status}`);
    this.name = code;
    this.$metadata = { httpStatusCode: status };
    this.$response = { statusCode: status, headers };
  }
}

/** Of the first element with this name: an S3 error's have neither attributes nor children. */
function textOf(xml: string, name: string): string | null {
  const text = new RegExp(`<${name}>([^<]{1,1000})</${name}>`).exec(xml)?.[1];
  return (
    text?.replace(
      /&(?:lt|gt|quot|apos|amp);/g,
      (sign) => entities[sign] ?? "",
    ) ?? null
  );
}
