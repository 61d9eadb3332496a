const VARIABLE = 'NODE_TLS_REJECT_UNAUTHORIZED';

/**
 * Lets clients in this process use the simulator's media server: Node reads this variable at each TLS connection,
 * but `NODE_EXTRA_CA_CERTS` only when it starts. **It trusts every server**: for tests on loopback alone.
 *
 * @returns puts things back.
 */
export function trustMedia(): () => void {
  const before = process.env[VARIABLE];
  process.env[VARIABLE] = '0';
  return () => {
    if (before === undefined) delete process.env[VARIABLE];
    else process.env[VARIABLE] = before;
  };
}
