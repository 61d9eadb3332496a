import { describe, expect, it } from 'vitest';
import { redactLine } from './debug-log.ts';

const redacted = (fields: object) => JSON.parse(redactLine(JSON.stringify(fields)));

describe('a line of the debug log', () => {
  it('keeps the tags and attributes of a stanza, and the length of what it contains', () => {
    const xml =
      "<iq to='@s.whatsapp.net' type='set' id='12.3-4'>\n\t<link_code_companion_reg jid='4915112345678:3@s.whatsapp.net' stage='companion_hello'>\n\t\t<ref >\n\t\t\tdeadbeef\n\t\t</ref>\n\t</link_code_companion_reg>\n</iq>";
    expect(redacted({ msg: 'xml send', xml }).xml).toBe(
      "<iq to='@s.whatsapp.net' type='set' id='12.3-4'>\n\t<link_code_companion_reg jid='(number):3@s.whatsapp.net' stage='companion_hello'>\n\t\t<ref >\n\t\t\t(8 characters)\n\t\t</ref>\n\t</link_code_companion_reg>\n</iq>",
    );
  });

  it('names fields that it does not know, and leaves their values out', () => {
    expect(redacted({ level: 30, msg: 'hello', creds: { key: 'secret' }, text: 'private' })).toEqual({
      level: 30,
      msg: 'hello',
      creds: '…',
      text: '…',
    });
  });

  it('replaces keys and phone numbers wherever they stand', () => {
    expect(
      redacted({ msg: 'paired 4915112345678, key Oo2CAsy0c1J276+ZQFD0bRARYdkWvNm6VmexSJV0IHw=', code: 515 }),
    ).toEqual({ msg: 'paired (number), key (key)', code: 515 });
  });

  it.each(["O'Brien Smith", "Rock 'n' roll", "Maria's party"])(
    'leaves out a name with a quote: %s',
    (name) => {
      const xml = `<group id='12' subject='${name}' creation='1'>\n\t<member notify='${name}'/>\n</group>`;
      expect(redacted({ xml }).xml).toBe(
        "<group id='12' subject='…' creation='…'>\n\t<member notify='…'/>\n</group>",
      );
    },
  );
});
