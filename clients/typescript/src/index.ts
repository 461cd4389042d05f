// A typed client of the business metrics API.

export { type Answer, Client, type Left, type Settings } from "./client.js";
export { Problem } from "./problem.js";
export type { AnswerOf, Input, Method, PathsOf, QueryOf } from "./question.js";
export type * from "./schema.js";
