/** What an agent is told when time is nearly up and its turn was broken off. */
export const WRAP_UP_PROMPT = [
  'Your time for this turn is nearly up, and what you were doing was broken off. Use no more tools. Answer now, in a few sentences,',
  'with what you have found and done so far, and say what is still missing.',
].join(' ');
