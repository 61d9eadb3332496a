import { describe, expect, it } from 'vitest';
import { failureFrame } from '../../failure.ts';
import { modelFailure } from './model-failure.ts';
import { retryAfterSeconds } from './retry-after.ts';

/** The services' documented errors: status, type and message as their bodies have them. */
const ERRORS = [
  // Anthropic
  [400, 'invalid_request_error', 'Your credit balance is too low to access the Anthropic API.', 'billing'],
  [400, 'invalid_request_error', 'You have reached your specified API usage limits.', 'billing'],
  [402, 'billing_error', 'There is an issue with your billing information.', 'billing'],
  [429, 'rate_limit_error', 'Spend limit reached.', 'billing'],
  [401, 'authentication_error', 'invalid x-api-key', 'key_refused'],
  [400, 'invalid_request_error', 'This organization has been disabled.', 'permission'],
  [403, 'permission_error', 'Your API key does not have permission to use the resource.', 'permission'],
  [404, 'not_found_error', 'model: claude-none', 'model_unknown'],
  [400, 'invalid_request_error', 'prompt is too long: 208310 tokens > 200000 maximum', 'prompt_too_long'],
  [413, 'request_too_large', 'Request exceeds the maximum size', 'prompt_too_long'],
  [429, 'rate_limit_error', 'This request would exceed your organization’s rate limit.', 'rate_limit'],
  [500, 'api_error', 'Internal server error', 'service_error'],
  [504, 'timeout_error', 'The request timed out', 'network'],
  [529, 'overloaded_error', 'Overloaded', 'overloaded'],
  [400, 'invalid_request_error', 'messages: at least one message is required', 'request_refused'],
  [400, 'invalid_request_error', 'tools.3.name: invalid key “network_timeout”', 'request_refused'],
  // OpenAI
  [429, 'insufficient_quota', 'You exceeded your current quota, please check your plan.', 'billing'],
  [400, 'billing_hard_limit_reached', 'Billing hard limit has been reached', 'billing'],
  [429, 'billing_not_active', 'Your account is not active, please check your billing details.', 'billing'],
  [401, 'invalid_api_key', 'Incorrect API key provided: sk-no.', 'key_refused'],
  [403, 'unsupported_country_region_territory', 'Country, region, or territory not supported', 'permission'],
  [403, 'model_not_found', 'Project `p` does not have access to model `gpt-x`', 'model_unknown'],
  [
    404,
    'model_not_found',
    'The model `gpt-x` does not exist or you do not have access to it.',
    'model_unknown',
  ],
  [400, 'context_length_exceeded', 'Your input exceeds the context window of this model.', 'prompt_too_long'],
  [
    429,
    'rate_limit_exceeded',
    'Rate limit reached for gpt-x on requests per min. Please try again in 20s. You can increase it by adding a payment method at https://platform.openai.com/account/billing.',
    'rate_limit',
  ],
  [500, 'server_error', 'The server had an error while processing your request', 'service_error'],
  [503, 'server_error', 'The engine is currently overloaded, please try again later', 'overloaded'],
  // Moonshot, and Kimi's subscription
  [429, 'exceeded_current_quota_error', 'Your account is suspended due to insufficient balance', 'billing'],
  [402, 'membership_error', 'We’re unable to verify your membership benefits', 'billing'],
  [403, 'access_terminated_error', 'You’ve reached your usage limit for this billing cycle.', 'billing'],
  [401, 'invalid_authentication_error', 'Invalid Authentication', 'key_refused'],
  [403, 'permission_denied_error', 'The API you are accessing is not open', 'permission'],
  [403, 'access_terminated_error', 'Kimi For Coding is only available for Coding Agents', 'permission'],
  [404, 'resource_not_found_error', 'Not found the model kimi-x or Permission denied', 'model_unknown'],
  [400, 'invalid_request_error', 'Your request exceeded model token limit: 262144', 'prompt_too_long'],
  [400, 'invalid_request_error', 'Invalid request: Input token length too long', 'prompt_too_long'],
  [429, 'engine_overloaded_error', 'The engine is currently overloaded', 'overloaded'],
  [429, 'rate_limit_reached_error', 'Your account reached max request per minute: 3', 'rate_limit'],
  [500, 'unexpected_output', 'invalid state transition', 'service_error'],
] as const;

describe('an error of a model’s service', () => {
  it.each(ERRORS)(
    'has its kind by status %i, type %s and message “%s”: %s',
    (status, type, message, kind) => {
      expect(modelFailure(JSON.stringify({ error: { type, message } }), status).kind).toBe(kind);
      expect(modelFailure(`API Error: ${status} ${message} (${type})`, status).kind).toBe(kind);
    },
  );

  it('is no outage for the name that a program gives to every error', () => {
    expect(modelFailure('400 Invalid schema (provider.api_error)', 400).kind).toBe('request_refused');
    expect(modelFailure('Invalid schema (provider.api_error)').kind).toBe('other');
  });

  it('puts the time at which the service answers again into the frame', () => {
    const frame = failureFrame(modelFailure('Rate limit reached. Please try again in 1m2.5s.', 429));
    expect(frame).toMatchObject({ errorKind: 'rate_limit', retryAfterSeconds: 63 });
    expect(failureFrame(modelFailure('no credit balance, retry-after: 7', 400))).not.toHaveProperty(
      'retryAfterSeconds',
    );
  });
});

const NOW = Date.UTC(2026, 8, 30, 23, 59, 30);

it.each([
  ['Please try again in 20s.', 20],
  ['Please try again in 6m0s.', 360],
  ['Please try again in 350ms.', 1],
  ['please try again after 20 seconds', 20],
  ['Try again in 3 days 1 hour 5 minutes.', 263_100],
  ['{"type":"usage_limit_reached","resets_in_seconds":13872}', 13_872],
  [`{"resets_at":${NOW / 1_000 + 40}}`, 40],
  ['429 slow down (retry-after: 30)', 30],
  ['You will regain access on 2026-10-01 at 00:00 UTC.', 30],
  ['You will regain access on 2026-09-01 at 00:00 UTC.', undefined],
  ['please try again later', undefined],
  ['try again in a while', undefined],
])('“%s” says that the service answers again after %s seconds', (said, seconds) => {
  expect(retryAfterSeconds(said, NOW)).toBe(seconds);
});
