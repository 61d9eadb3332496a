/** JSON in which bytes are base64, as `POST /say` takes them. */
export function toJson(value: unknown): string {
  return JSON.stringify(value, function (this: Record<string, unknown>, key, written: unknown) {
    // A Buffer has written itself as a list of numbers before it comes here.
    const given = this[key];
    return Buffer.isBuffer(given) ? given.toString('base64') : written;
  });
}
