type Call = (...args: readonly unknown[]) => unknown;

/** What is done in a method's place. @param original the method, bound to its object */
export type Around = (original: Call, args: readonly unknown[], self: object) => unknown;

/**
 * Puts something around a method of all objects of a class, present and future.
 * @throws Error when the class has no such method: the probe is out of date then
 */
export function wrap(owner: object, method: string, around: Around): void {
  const methods = owner as Record<string, Call | undefined>;
  const original = methods[method];
  if (typeof original !== 'function') throw new Error(`the probe knows no method ${method} any more`);
  methods[method] = function wrapped(this: object, ...args: readonly unknown[]): unknown {
    return around((...given) => original.apply(this, [...given]), args, this);
  };
}
