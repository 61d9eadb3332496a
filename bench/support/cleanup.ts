type Step = () => Promise<void> | void;

/** Takes back what was started and made, the last first. */
export class Cleanup {
  readonly #steps: Step[] = [];

  add(step: Step): void {
    this.#steps.push(step);
  }

  /** Runs every step, whatever happens to the others. @returns what went wrong; calling it again finds nothing to do */
  async run(): Promise<readonly Error[]> {
    const errors: Error[] = [];
    for (let step = this.#steps.pop(); step !== undefined; step = this.#steps.pop()) {
      try {
        await step();
      } catch (error) {
        errors.push(error instanceof Error ? error : new Error(String(error)));
      }
    }
    return errors;
  }
}
