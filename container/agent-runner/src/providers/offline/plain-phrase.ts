import { UNIT } from './time-words.ts';

const NUMBER_WORDS =
  'zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen'.split(
    ' ',
  );

const TENS = ['twenty', 'thirty', 'forty', 'fifty'];

/** A phrase in the few forms that the rest of this file reads. */
export function normalize(phrase: string): string {
  const ones = NUMBER_WORDS.slice(1).join('|');
  const digits = (word: string): number => Math.max(NUMBER_WORDS.indexOf(word), 0);
  return phrase
    .toLowerCase()
    .normalize('NFKC')
    .replaceAll('’', "'")
    .replaceAll('@', ' at ')
    .replace(/,?\s+(?:please|pls|thanks|thank you|thx)[.!]*$/, '')
    .replace(/[!?,:;]+$/, '')
    .replace(/(?<!\d\.\d{1,2})\.$|(?<=\bat \d{1,2}\.\d{2})\.$/, '')
    .replace(/\s+/g, ' ')
    .trim()
    .replace(/ ?\bo'? ?clock\b/g, '')
    .replace(/(\d[:.]\d\d) ?uhr\b/g, '$1')
    .replace(/\b(\d{1,2}) ?uhr\b/g, '$1:00')
    .replace(/\ba couple(?: of)?(?= )/g, '2')
    .replace(/\ba fortnight\b/g, '2 weeks')
    .replace(/\b([ap])\.\s?m\b\.?/g, '$1m')
    .replace(/\b(?:12 )?(?:noon|midday)\b/g, '12:00')
    .replace(/\beveryday\b/g, 'every day')
    .replace(/\bthis coming\b/g, 'coming')
    .replace(/\bat (\d{1,2})h\b/g, 'at $1:00')
    .replace(/\b(days|weeks|months|years|hours|minutes)'? time$/, '$1')
    .replace(/^(?:at )?midnight$/, 'at 0:00')
    .replace(/^(?:on )?(?:the )?day after tomorrow\b/, 'the day after tomorrow')
    .replace(/\bfirst (?=of )/g, '1st ')
    .replace(/\b(?:tmrw|tmr|tmw|tomorow|tommorow|tommorrow|tomoro|tomorro|2moro|2morrow)\b/g, 'tomorrow')
    .replace(
      new RegExp(`\\b(${TENS.join('|')})(?:[- ](${NUMBER_WORDS.slice(1, 10).join('|')}))?\\b`, 'g'),
      (_, ten: string, one?: string) =>
        String((TENS.indexOf(ten) + 2) * 10 + (one === undefined ? 0 : digits(one))),
    )
    .replace(new RegExp(`\\b(?:${ones})\\b`, 'g'), (word) => String(digits(word)))
    .replace(/\bat (\d{1,2}) hundred(?: hours)?\b/g, 'at $1:00')
    .replace(/\bat ([01]\d|2[0-3])([0-5]\d)\b(?! ?[ap]m)/g, 'at $1:$2')
    .replace(/\bat (\d{1,2}) ([0-5]\d)(?= ?[ap]m\b|$)/g, 'at $1:$2')
    .replace(/\b(\d{4})[/.](\d\d)[/.](\d\d)\b/g, '$1-$2-$3')
    .replace(/\b(?:an? )?half (?:an? )?hour\b|\b1[⁄/]2 (?:an )?hour\b/g, '30 minutes')
    .replace(/\b3 quarters of an hour\b/g, '45 minutes')
    .replace(/\b(?:an? |1 )?quarter of an hour\b/g, '15 minutes')
    .replace(new RegExp(`\\b(?:an?|(\\d+)) (${UNIT}) and a half\\b`, 'g'), (_, count = '1', unit) =>
      [`${count}.5`, unit].join(' '),
    )
    .replace(/\b(\d+) ?(?:and a half|1⁄2|1\/2) (?=[a-z])/g, '$1.5 ')
    .replace(/\b(\d+)1⁄2 ?(?=[a-z])/g, '$1.5 ')
    .replace(new RegExp(`\\ban? (?=${UNIT})`, 'g'), '1 ')
    .replace(/\b(in \d{1,2}) ?h ?(\d{2})$/, '$1 h $2 m')
    .replace(/\b(\d{1,2})h(\d{2})\b(?! ?m)/g, '$1:$2')
    .replace(
      /\b(?:a )?(half|quarter|\d{1,2} minutes) (past|to) (\d{1,2})(?![\d:]|(?<=12) ?[ap]m\b)/g,
      (_, part: string, side: string, hour: string) => clockInWords(part, side, Number(hour)),
    );
}

/** `half past 3` as `3:30`, `quarter to 5` as `4:45`. */
function clockInWords(part: string, side: string, hour: number): string {
  const minutes = part === 'half' ? 30 : part === 'quarter' ? 15 : Number.parseInt(part, 10);
  if (hour > 23 || minutes < 1 || minutes > 59 || (part === 'half' && side === 'to'))
    return `${part} ${side} ${hour} o`;
  if (side === 'past') return `${hour}:${String(minutes).padStart(2, '0')}`;
  return `${hour > 1 ? hour - 1 : hour === 1 ? 12 : 23}:${String(60 - minutes).padStart(2, '0')}`;
}
