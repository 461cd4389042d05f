// What a path takes and answers, as the contract's types say.

import type { paths } from "./schema.js";

export type Method = "get" | "put" | "post" | "patch" | "delete";

/** The paths that have this method. */
export type PathsOf<M extends Method> = {
  [P in keyof paths]: paths[P] extends Record<M, object> ? P : never;
}[keyof paths];

type Operation<P extends keyof paths, M extends Method> = paths[P] extends Record<M, infer O> ? O : never;

type Parameters<O> = O extends { parameters: infer P } ? P : never;

/** Values that may be missing may also be undefined. */
type Loose<T> = { [K in keyof T]: Record<never, never> extends Pick<T, K> ? T[K] | undefined : T[K] };

/** The query's parameters. */
export type QueryOf<P extends keyof paths, M extends Method = "get"> = Loose<
  NonNullable<Parameters<Operation<P, M>> extends { query?: infer Q } ? Q : never>
>;

type Sent<O> = O extends { requestBody: { content: { "application/json": infer B } } }
  ? { body: B }
  : { body?: never };

type Part<O, Name extends "query" | "path" | "header"> =
  Parameters<O> extends Record<Name, infer T> ? Record<Name, Loose<T>> : Optional<O, Name>;

type Optional<O, Name extends string> =
  Parameters<O> extends { [N in Name]?: infer T } ? { [N in Name]?: Loose<NonNullable<T>> } : unknown;

/** What a request is made of: parameters by their place, and a body. */
export type Input<P extends keyof paths, M extends Method> = Part<Operation<P, M>, "query"> &
  Part<Operation<P, M>, "path"> &
  Part<Operation<P, M>, "header"> &
  Sent<Operation<P, M>>;

type ContentOf<R> = R extends { content: infer C }
  ? C extends { "application/json": infer B }
    ? B
    : C[keyof C]
  : undefined;

type Success = 200 | 201 | 202 | 204;

/** The body of the answer. */
export type AnswerOf<P extends keyof paths, M extends Method = "get"> =
  Operation<P, M> extends { responses: infer R }
    ? { [S in keyof R]: S extends Success ? ContentOf<R[S]> : never }[keyof R]
    : never;
