export type TomlValue =
  | string
  | number
  | boolean
  | readonly TomlValue[]
  | { readonly [key: string]: TomlValue };

const SHORT: Readonly<Record<string, string>> = {
  '\b': '\\b',
  '\t': '\\t',
  '\n': '\\n',
  '\f': '\\f',
  '\r': '\\r',
  '"': '\\"',
  '\\': '\\\\',
};

/** A basic string of TOML 1.0, control characters escaped. */
function tomlString(text: string): string {
  const escaped = text.replace(
    // biome-ignore lint/suspicious/noControlCharactersInRegex: these are the ones that must be escaped
    /[\u0000-\u001f"\\\u007f]/g,
    (character) => SHORT[character] ?? `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
  return `"${escaped}"`;
}

/**
 * A value as TOML writes it inline, for `-c key=value`.
 * @see https://toml.io/en/v1.0.0
 */
export function toml(value: TomlValue): string {
  if (typeof value === 'string') return tomlString(value);
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  if (Array.isArray(value)) return `[${value.map(toml).join(',')}]`;
  const entries = Object.entries(value).map(([key, field]) => `${tomlString(key)}=${toml(field)}`);
  return `{${entries.join(',')}}`;
}
