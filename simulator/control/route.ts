import type { Controlled } from './controlled.ts';

/** A request as the routes see it. */
export interface ControlRequest {
  method: string;
  /** Without the query string, `/` in front. */
  path: string;
  query: Readonly<Record<string, string>>;
  body: unknown;
}

/** What is done for each request, by method and path. */
export type Routes = Readonly<Record<string, (simulator: Controlled, request: ControlRequest) => unknown>>;
