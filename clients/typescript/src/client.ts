// Asks the API: one request a question, typed by the contract.

import { Problem } from "./problem.js";
import type { AnswerOf, Input, Method, PathsOf } from "./question.js";

/** The version of the API that the types are of. */
const VERSION = "/v1";
/** The API itself gives up after 10 s. */
const TIMEOUT_MS = 15_000;
/** The server sends at least a comment every 15 s; after three times that, the connection counts as dead. */
const SILENCE_LIMIT_MS = 45_000;
/** An event has some dozens of characters; a server that sends more is not this API. */
const EVENT_MAX = 64 * 1024;

export interface Settings {
  /** The API's address, such as `https://metrics.example.com`; the page's own origin without it. */
  url?: string;
  /** The token, or what gives the token of the moment. */
  token: string | (() => string | Promise<string>);
  /** Which of the organizations that the token names is meant; its only one, or its own, without it. */
  organization?: string | null | undefined;
  /** How long an answer may take, in milliseconds. */
  timeoutMs?: number;
  /** Headers of every request. */
  headers?: Readonly<Record<string, string>>;
  /** What sends requests: `fetch`, or what sees them before it and their responses after it. */
  fetch?: typeof fetch | undefined;
}

/** An answer, and what its headers say. */
export interface Answer<Body> {
  body: Body;
  /** Names the numbers; null if the API could only send its last known answer. */
  etag: string | null;
  /** How old it was when it was sent: 0 unless the API could only send its last known answer. */
  ageSeconds: number;
  /** Whether the numbers are those of the answer that was `known`. */
  unchanged: boolean;
  /** What is left of the organization's rate; null without a limit. */
  left: Left | null;
}

/** How many requests are left, and in how many seconds there are more. */
export interface Left {
  requests: number;
  seconds: number;
}

interface Options<Body> {
  /** An answer to the same question: if its numbers are still right, the API sends no body. */
  known?: Answer<Body> | undefined;
  signal?: AbortSignal | undefined;
}

type Request<P extends PathsOf<M>, M extends Method> = Input<P, M> & Options<AnswerOf<P, M>>;
type Rest<P extends PathsOf<M>, M extends Method> =
  Record<never, never> extends Request<P, M> ? [request?: Request<P, M>] : [request: Request<P, M>];

/** A request without its types. */
interface Untyped extends Options<unknown> {
  query?: object;
  path?: object;
  header?: object;
  body?: unknown;
}

export class Client {
  constructor(private readonly settings: Settings) {}

  /**
   * Asks a path of the contract, such as `/metrics/summary`.
   *
   * @throws {Problem} when the request is refused
   */
  async get<P extends PathsOf<"get">>(path: P, ...rest: Rest<P, "get">): Promise<Answer<AnswerOf<P>>> {
    return (await this.ask("get", path, (rest[0] ?? {}) as Untyped)) as Answer<AnswerOf<P>>;
  }

  /**
   * Sends a request of any method.
   *
   * @throws {Problem} when the request is refused
   */
  async request<M extends Method, P extends PathsOf<M>>(
    method: M,
    path: P,
    ...rest: Rest<P, M>
  ): Promise<Answer<AnswerOf<P, M>>> {
    return (await this.ask(method, path, (rest[0] ?? {}) as Untyped)) as Answer<AnswerOf<P, M>>;
  }

  /**
   * The versions of the organization's numbers, as one connection tells them: each means "ask again". It ends when the
   * server ends it; then open another, with the last version as `after`.
   *
   * @throws {Problem} when the request is refused
   */
  async *versions(options: { after?: string; signal?: AbortSignal } = {}): AsyncGenerator<string> {
    const silence = new AbortController();
    let timer = setTimeout(() => silence.abort(), SILENCE_LIMIT_MS);
    const heard = () => {
      clearTimeout(timer);
      timer = setTimeout(() => silence.abort(), SILENCE_LIMIT_MS);
    };
    const signals = options.signal === undefined ? [silence.signal] : [options.signal, silence.signal];
    try {
      const response = await this.send(this.address("/metrics/stream", {}), {
        headers: await this.headers({ accept: "text/event-stream", "last-event-id": options.after }),
        cache: "no-store",
        signal: AbortSignal.any(signals),
      });
      if (!response.ok) throw await Problem.of(response);
      if (response.body === null) return;
      // Only who listens loads it.
      const { EventSourceParserStream } = await import("eventsource-parser/stream");
      // Between events the server sends comments.
      const parser = new EventSourceParserStream({ onComment: heard, maxBufferSize: EVENT_MAX });
      const events = response.body.pipeThrough(new TextDecoderStream()).pipeThrough(parser).getReader();
      for (let read = await events.read(); !read.done; read = await events.read()) {
        heard();
        if (read.value.event === "version") yield read.value.id ?? "";
      }
    } finally {
      clearTimeout(timer);
      silence.abort();
    }
  }

  private async ask(method: Method, path: string, request: Untyped): Promise<Answer<unknown>> {
    const { known, signal, body } = request;
    const limit = AbortSignal.timeout(this.settings.timeoutMs ?? TIMEOUT_MS);
    const response = await this.send(this.address(path, request), {
      method: method.toUpperCase(),
      headers: await this.headers({
        accept: "application/json",
        "if-none-match": known?.etag,
        "content-type": body === undefined ? undefined : "application/json",
        ...request.header,
      }),
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      signal: signal === undefined ? limit : AbortSignal.any([signal, limit]),
    });
    const unchanged = response.status === 304 && known !== undefined;
    if (!response.ok && !unchanged) throw await Problem.of(response);
    const read = unchanged ? known.body : await bodyOf(response);
    const stale = isStale(read) || (isObject(read) && Object.values(read).some(isStale));
    return {
      body: isObject(read) ? { ...read, ...freshnessOf(response) } : read,
      etag: response.headers.get("etag"),
      ageSeconds: stale && !unchanged ? ageOf(response) : 0,
      unchanged,
      left: leftOf(response),
    };
  }

  private send(address: string, request: RequestInit): Promise<Response> {
    // Not as a method of the settings: a browser's `fetch` must belong to nothing else.
    const { fetch = globalThis.fetch } = this.settings;
    return fetch(address, request);
  }

  /** The headers of every request, and these, which replace them. */
  private async headers(more: object): Promise<Headers> {
    const { token, organization } = this.settings;
    const headers = new Headers(this.settings.headers);
    const set = texts({ "organization-id": organization, ...more });
    for (const [name, value] of Object.entries(set)) headers.set(name, value);
    headers.set("authorization", `Bearer ${typeof token === "string" ? token : await token()}`);
    return headers;
  }

  private address(path: string, { path: names = {}, query = {} }: Untyped): string {
    const values = texts(names);
    const named = path.replace(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(values[name] ?? ""));
    const parameters = new URLSearchParams(texts(query));
    const base = (this.settings.url ?? "").replace(/\/+$/, "") + VERSION + named;
    return parameters.size === 0 ? base : `${base}?${parameters}`;
  }
}

/** What is set, as text. */
function texts(values: object): Record<string, string> {
  const set = Object.entries(values).filter(([, value]) => value !== undefined && value !== null);
  return Object.fromEntries(set.map(([name, value]) => [name, String(value)]));
}

async function bodyOf(response: Response): Promise<unknown> {
  const text = await response.text();
  if (text === "") return undefined;
  const isJson = response.headers.get("content-type")?.includes("json") ?? false;
  return isJson ? (JSON.parse(text) as unknown) : text;
}

/** How fresh the numbers are. The body may be an older copy with the same numbers; headers are as of now. */
function freshnessOf(response: Response): object {
  const through = response.headers.get("complete-through");
  const at = response.headers.get("generated-at");
  return {
    ...(through === null ? {} : { completeThrough: through === "null" ? null : through }),
    ...(at === null ? {} : { generatedAt: at }),
  };
}

/** Whether the API could only send what it last knew: of an answer, or of a part of an overview. */
function isStale(answer: unknown): boolean {
  return isObject(answer) && answer["stale"] === true;
}

/** At least 1: an answer that is marked as stale is not fresh, whatever its `Age` says. */
function ageOf(response: Response): number {
  const seconds = Number(response.headers.get("age") ?? Number.NaN);
  return Number.isFinite(seconds) ? Math.max(1, seconds) : 1;
}

/** `RateLimit: "organization";r=194;t=1` (draft-ietf-httpapi-ratelimit-headers-10). */
function leftOf(response: Response): Left | null {
  const found = /;r=(\d+);t=(\d+)/.exec(response.headers.get("ratelimit") ?? "");
  return found === null ? null : { requests: Number(found[1]), seconds: Number(found[2]) };
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
