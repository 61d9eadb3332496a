/** The image that the tests use. */
export const TEST_IMAGE = 'nanoclaw-agent:test';
