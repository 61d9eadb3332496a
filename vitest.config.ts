import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: [
      'src/**/*.test.ts',
      'simulator/**/*.test.ts',
      'container/**/*.test.ts',
      'test/**/*.test.ts',
      'bench/**/*.test.ts',
    ],
    exclude: ['**/node_modules/**', '**/*.container.test.ts'],
    globalSetup: ['test/support/global-setup.ts'],
    setupFiles: ['test/support/patience.ts'],
    expect: { poll: { timeout: 15_000 } },
    reporters: ['default', './test/support/closing-lines.ts'],
    // No promise is about them: they only end what hangs, on a machine that may be slow and busy.
    testTimeout: 180_000,
    hookTimeout: 180_000,
    // Real sandboxes, sockets and databases on a small machine: two files at a time.
    maxWorkers: 2,
  },
});
