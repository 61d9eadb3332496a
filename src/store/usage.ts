import type { Database } from './database.ts';

/** What one answer of a model used, in tokens. */
export interface ModelUse {
  readonly runId: string;
  readonly groupFolder: string;
  readonly provider: string;
  readonly model: string;
  /** All tokens read, those from a cache included. */
  readonly inputTokens: number;
  readonly cachedInputTokens: number;
  readonly outputTokens: number;
}

/** Sums over a group's runs. */
export interface GroupUse {
  readonly folder: string;
  readonly provider: string;
  readonly requests: number;
  readonly inputTokens: number;
  readonly cachedInputTokens: number;
  readonly outputTokens: number;
}

/** Tokens in and out, per run and model. */
export class Usage {
  readonly #add;
  readonly #byGroup;

  constructor(db: Database) {
    this.#add = db.sql.prepare<ModelUse & { at: string }>(`
      INSERT INTO usage (run_id, group_folder, provider, model, requests, input_tokens, cached_input_tokens, output_tokens, at)
      VALUES (@runId, @groupFolder, @provider, @model, 1, @inputTokens, @cachedInputTokens, @outputTokens, @at)
      ON CONFLICT (run_id, model) DO UPDATE SET requests = requests + 1, input_tokens = input_tokens + excluded.input_tokens,
        cached_input_tokens = cached_input_tokens + excluded.cached_input_tokens,
        output_tokens = output_tokens + excluded.output_tokens`);
    this.#byGroup = db.sql.prepare<[string], GroupUse>(`
      SELECT group_folder AS folder, provider, SUM(requests) AS requests, SUM(input_tokens) AS inputTokens,
        SUM(cached_input_tokens) AS cachedInputTokens, SUM(output_tokens) AS outputTokens
      FROM usage INDEXED BY usage_by_time WHERE at >= ? GROUP BY 1, 2 ORDER BY 1, 2`);
  }

  /** Adds one answer to its run's sums. @param at milliseconds since the epoch */
  add(use: ModelUse, at: number): void {
    this.#add.run({ ...use, at: new Date(at).toISOString() });
  }

  /** Sums per group and provider. @param since milliseconds since the epoch; runs that began to answer before are left out */
  byGroup(since = 0): readonly GroupUse[] {
    return this.#byGroup.all(new Date(since).toISOString());
  }
}
