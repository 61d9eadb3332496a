/** What people put before a request, and what says nothing of it. */
const COURTESY =
  /^(?:(?:hey|hi|hello|ok|okay),? \S+(?=,? (?:can|could|would|will|please|remind)\b)|(?:hey|hi|hello|ok|okay|so|and|well|please|pls|um+|uh+|yo)(?=[\s,!])|[^\p{L}\p{N}\s]+|(?:can|could|would|will) (?:you|u|ya)\b|i (?:want|need) you to\b|(?:i need|i want|i'd like) (?=an? (?:reminder|alarm|timer))|(?:don't|dont|don’t) forget to\b)[\s,!]*/iu;

/** A request without the words of politeness before it; what is nothing else stays. */
export function withoutCourtesy(text: string): string {
  const rest = text.replace(COURTESY, '');
  return rest === text || rest === '' ? text : withoutCourtesy(rest);
}
