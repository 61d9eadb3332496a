import { defineConfig } from 'vitest/config';

/** Tests that need a container engine; `.ci/with-docker` starts one of their own. */
export default defineConfig({
  test: {
    include: ['**/*.container.test.ts'],
    exclude: ['**/node_modules/**'],
    globalSetup: ['test/containers/global-setup.ts'],
    setupFiles: ['test/support/patience.ts'],
    expect: { poll: { timeout: 15_000 } },
    reporters: ['default', './test/support/closing-lines.ts'],
    testTimeout: 300_000,
    hookTimeout: 300_000,
    maxWorkers: 1,
  },
});
