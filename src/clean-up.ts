/**
 * Runs `work`, and `cleanUp` however it ended. Where both fail the error of `work` counts: it is the cause, and decides what is
 * tried again.
 * @throws the error of `work`, else that of `cleanUp`
 */
export async function withCleanUp<T>(work: () => Promise<T>, cleanUp: () => unknown): Promise<T> {
  let result: T;
  try {
    result = await work();
  } catch (error) {
    await Promise.resolve()
      .then(cleanUp)
      .catch(() => undefined);
    throw error;
  }
  await cleanUp();
  return result;
}
