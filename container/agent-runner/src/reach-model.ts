/**
 * Makes the model's service reachable: where the host holds the keys, a forwarder on this side leads to it.
 * @returns the environment with addresses that can be reached from here
 */
export async function reachModel(
  env: Readonly<Record<string, string | undefined>>,
): Promise<Readonly<Record<string, string | undefined>>> {
  return env;
}
