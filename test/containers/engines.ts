/** The engines that the tests run with: TEST_ENGINES, or both. */
export const ENGINES: readonly string[] = (process.env.TEST_ENGINES ?? 'docker,podman').split(',');
