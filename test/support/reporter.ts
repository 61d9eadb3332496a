import process from 'node:process';
import { DefaultReporter, type TestCase, type TestModule, type TestModuleState } from 'vitest/node';

/** How many of the slowest tests are named. */
const SLOWEST = 10;

/** One line a file; then each failure with its cause, the slowest tests, and the count in words. */
export default class Reporter extends DefaultReporter {
  constructor() {
    super({ summary: false });
  }

  protected override printTestCase(state: TestModuleState, test: TestCase): void {
    if (test.result().state === 'failed') super.printTestCase(state, test);
  }

  override onTestRunEnd(...end: Parameters<DefaultReporter['onTestRunEnd']>): void {
    super.onTestRunEnd(...end);
    const [modules, unhandled] = end;
    const tests = modules.flatMap((module) => [...module.children.allTests()]);
    this.#logSlowest(tests);
    const count = (state: string): number => tests.filter((test) => test.result().state === state).length;
    // A file that could not be loaded, or an error outside of any test, is a failure too.
    const broken = modules.filter((module) => module.errors().length > 0).length + unhandled.length;
    const sandbox = process.env.NANOCLAW_TESTED_SANDBOX;
    if (sandbox !== undefined) this.log(`Sandbox of the tests: ${sandbox}`);
    this.log(`${count('passed')} passed, ${count('failed') + broken} failed, ${count('skipped')} skipped`);
  }

  #logSlowest(tests: readonly TestCase[]): void {
    const timed = tests
      .map((test) => ({
        name: `${nameOf(test.module)} > ${test.fullName}`,
        ms: test.diagnostic()?.duration ?? 0,
      }))
      .toSorted((one, other) => other.ms - one.ms);
    this.log('The slowest tests:');
    for (const { name, ms } of timed.slice(0, SLOWEST))
      this.log(`${(ms / 1000).toFixed(1).padStart(7)} s  ${name}`);
    this.log('');
  }
}

function nameOf(module: TestModule): string {
  return module.relativeModuleId;
}
