/**
 * A small S3 server for tests: path style, one bucket, in memory, on the loopback interface. It does what the store
 * needs of S3, and goes wrong on demand: for good (`Misbehaviour`), or for single requests (`FaultScript`).
 */
import { createHash } from "node:crypto";
import { once } from "node:events";
import * as http from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import {
  parseParts,
  toErrorAnswer,
  toListAnswer,
  toXmlAnswer,
} from "./answers.ts";
import type { Answer } from "./answers.ts";
import { createBucketState, S3Error } from "./bucket-state.ts";
import type { BucketState, Headers, Misbehaviour } from "./bucket-state.ts";
import { damage } from "./faults.ts";
import type { Fault, FaultScript, RequestView } from "./faults.ts";
import { readObject, sendAnswer } from "./objects.ts";
import { checkSignature } from "./signature.ts";

export type S3TestServer = {
  readonly endpoint: string;
  readonly bucket: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly state: BucketState;
  /** All requests so far: `PUT a/b`, `GET ?list-type`. */
  readonly requests: readonly string[];
  setFaults(script: FaultScript | null): void;
  /** Refuses whoever comes with this session token from now on. */
  expire(sessionToken: string): void;
  close(): Promise<void>;
};

export type S3TestServerOptions = {
  readonly misbehaviour?: Misbehaviour;
  /** How far ahead the server's clock is. */
  readonly clockOffsetMs?: number;
  /** Entries on a page of a listing. */
  readonly pageSize?: number;
};

const bucket = "test-bucket";
const keys = { accessKeyId: "test-key", secretAccessKey: "test-secret" };

export async function startS3TestServer(
  options: S3TestServerOptions = {},
): Promise<S3TestServer> {
  const state = createBucketState(options.misbehaviour ?? {});
  const requests: string[] = [];
  const expired = new Set<string>();
  let faults: FaultScript | null = null;

  async function serve(
    request: http.IncomingMessage,
    response: http.ServerResponse,
  ): Promise<void> {
    const url = new URL(request.url ?? "", "http://localhost");
    const [, name, ...segments] = url.pathname.split("/");
    const view: RequestView = {
      method: request.method ?? "",
      key: decodeURIComponent(segments.join("/")),
      query: url.searchParams,
      number: requests.length + 1,
    };
    requests.push(`${view.method} ${view.key || url.search}`);
    const fault = faults?.(view) ?? null;
    if (fault?.kind === "reset" && fault.when === "during")
      return void request.socket.destroy();
    const body = await readBody(request);
    if (fault?.kind === "drop") return;
    if (fault?.kind === "reset" && fault.when === "before")
      return void request.socket.destroy();
    if (fault?.kind === "delay") await delay(fault.ms);
    const answer = answerWith(fault, () => {
      const headers = request.headers as Headers;
      checkSignature(
        { method: view.method, target: request.url ?? "", headers },
        {
          keys,
          nowMs: Date.now() + (options.clockOffsetMs ?? 0),
          isExpired: (token) => expired.has(token),
        },
      );
      if (name !== bucket) throw new S3Error(404, "NoSuchBucket");
      const call = { ...view, headers, body: damage(fault, body), fault };
      checkHash(call);
      return answerCall(state, call, options);
    });
    if (fault?.kind === "reset") return void request.socket.destroy();
    const date = new Date(Date.now() + (options.clockOffsetMs ?? 0));
    response.setHeader("date", date.toUTCString());
    if (options.misbehaviour?.closesConnections)
      response.setHeader("connection", "close");
    const isChunked = options.misbehaviour?.sendsChunks ?? false;
    const onAnswer = body.byteLength > 0 ? null : fault;
    sendAnswer(response, answer, {
      method: view.method,
      fault: onAnswer,
      isChunked,
    });
  }

  const server = http.createServer((request, response) => {
    serve(request, response).catch((thrown: unknown) => {
      // The client went away in the middle of its request.
      if (!request.complete) response.destroy();
      else response.destroy(thrown instanceof Error ? thrown : undefined);
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return {
    endpoint: `http://127.0.0.1:${port}`,
    bucket,
    ...keys,
    state,
    requests,
    setFaults(script) {
      faults = script;
    },
    expire(sessionToken) {
      expired.add(sessionToken);
    },
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}

type Call = RequestView & {
  readonly headers: Headers;
  readonly body: Buffer;
  readonly fault: Fault | null;
};

function answerWith(fault: Fault | null, answer: () => Answer): Answer {
  if (fault?.kind === "refuse")
    return toErrorAnswer(fault.status, fault.code, fault.retryAfter);
  try {
    const done = answer();
    return fault?.kind === "lost"
      ? toErrorAnswer(fault.status, fault.code)
      : done;
  } catch (thrown) {
    if (thrown instanceof S3Error)
      return toErrorAnswer(thrown.status, thrown.code);
    throw thrown;
  }
}

function answerCall(
  state: BucketState,
  call: Call,
  options: S3TestServerOptions,
): Answer {
  const { method, key, query, headers, body } = call;
  const upload = query.get("uploadId");
  if (key === "") return list(state, call, options.pageSize ?? 1000);
  if (method === "GET" || method === "HEAD")
    return readObject(state, call, options.misbehaviour ?? {});
  if (method === "PUT" && upload !== null) {
    const number = Number(query.get("partNumber"));
    const etag = state.putPart({ id: upload, number, headers, bytes: body });
    return { status: 200, headers: { etag } };
  }
  if (method === "PUT")
    return {
      status: 200,
      headers: { etag: state.put(key, headers, body).etag },
    };
  if (method === "DELETE" && upload !== null) {
    if (!state.uploads.delete(upload)) throw new S3Error(404, "NoSuchUpload");
    return { status: 204 };
  }
  if (method === "DELETE") {
    state.remove(key, headers);
    return { status: 204 };
  }
  if (method === "POST" && query.has("uploads"))
    return toXmlAnswer(
      200,
      `<InitiateMultipartUploadResult><UploadId>${state.createUpload(key, headers)}</UploadId></InitiateMultipartUploadResult>`,
    );
  if (method === "POST" && upload !== null) {
    const parts = parseParts(body.toString());
    const { etag } = state.completeUpload(upload, headers, parts);
    return toXmlAnswer(
      200,
      `<CompleteMultipartUploadResult><ETag>${etag}</ETag></CompleteMultipartUploadResult>`,
    );
  }
  throw new S3Error(405, "MethodNotAllowed");
}

function list(state: BucketState, call: Call, pageSize: number): Answer {
  const { query, fault } = call;
  const token = query.get("continuation-token") ?? "";
  return toListAnswer(
    state.list({
      prefix: query.get("prefix") ?? "",
      delimiter: query.get("delimiter") ?? "",
      after: Buffer.from(token, "base64url").toString(),
      max: Math.min(pageSize, Number(query.get("max-keys") ?? pageSize)),
      isStale: fault?.kind === "stale-list",
    }),
  );
}

function checkHash({ headers, body }: Call): void {
  const hash = headers["x-amz-content-sha256"] ?? "";
  if (!/^[0-9a-f]{64}$/.test(hash)) return;
  if (hash !== createHash("sha256").update(body).digest("hex"))
    throw new S3Error(400, "XAmzContentSHA256Mismatch");
}

async function readBody(request: http.IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}
