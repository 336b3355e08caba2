/** S3's XML, as far as the store reads it. */
import type { Listed } from "./bucket-state.ts";

export type Answer = {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Buffer;
};

export function toXmlAnswer(status: number, xml: string): Answer {
  return {
    status,
    headers: { "content-type": "application/xml" },
    body: Buffer.from(`<?xml version="1.0" encoding="UTF-8"?>\n${xml}`),
  };
}

export function toErrorAnswer(
  status: number,
  code: string,
  retryAfter?: string,
): Answer {
  const answer = toXmlAnswer(
    status,
    `<Error><Code>${code}</Code><Message>${code} by the test server</Message></Error>`,
  );
  return retryAfter === undefined
    ? answer
    : { ...answer, headers: { ...answer.headers, "retry-after": retryAfter } };
}

export function toListAnswer(listed: Listed): Answer {
  const contents = listed.objects.map(
    ({ key, bytes, etag, modifiedAt }) =>
      `<Contents><Key>${escape(key)}</Key><Size>${bytes.byteLength}</Size><ETag>${escape(etag)}</ETag><LastModified>${modifiedAt.toISOString()}</LastModified></Contents>`,
  );
  const prefixes = listed.prefixes.map(
    (prefix) =>
      `<CommonPrefixes><Prefix>${escape(prefix)}</Prefix></CommonPrefixes>`,
  );
  const next =
    listed.next === null
      ? ""
      : `<NextContinuationToken>${Buffer.from(listed.next).toString("base64url")}</NextContinuationToken>`;
  return toXmlAnswer(
    200,
    `<ListBucketResult><IsTruncated>${listed.next !== null}</IsTruncated>${next}${contents.join("")}${prefixes.join("")}</ListBucketResult>`,
  );
}

/** The parts that a completion names. */
export function parseParts(
  xml: string,
): { readonly number: number; readonly etag: string }[] {
  return [...xml.matchAll(/<Part>(.*?)<\/Part>/gs)].map(([, part = ""]) => ({
    number: Number(/<PartNumber>(\d+)</.exec(part)?.[1]),
    etag: `"${/<ETag>(?:&quot;|")?([^<&"]*)/.exec(part)?.[1] ?? ""}"`,
  }));
}

function escape(text: string): string {
  return text.replace(/[<>&"]/g, (sign) => `&#${sign.charCodeAt(0)};`);
}
