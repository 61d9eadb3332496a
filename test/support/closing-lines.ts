import type { Reporter, TestModule } from 'vitest/node';

/** Says at the very end what the agent ran in, and the count in words that any reader of logs knows. */
export default class ClosingLines implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], unhandled: readonly unknown[]): void {
    const states = modules.flatMap((module) =>
      [...module.children.allTests()].map((test) => test.result().state),
    );
    const count = (state: string): number => states.filter((found) => found === state).length;
    // A file that could not be loaded, or an error outside of any test, is a failure too.
    const broken = modules.filter((module) => module.errors().length > 0).length + unhandled.length;
    const sandbox = process.env.NANOCLAW_TESTED_SANDBOX;
    if (sandbox !== undefined) console.log(`Sandbox of the tests: ${sandbox}`);
    console.log(`${count('passed')} passed, ${count('failed') + broken} failed, ${count('skipped')} skipped`);
  }
}
